output "witness" {
  description = "The log bucket that keeps the witness, by its full name."
  value       = google_logging_project_bucket_config.witness.id
}
