output "database" {
  description = "The database's id."
  value       = module.database.database
}

output "buckets" {
  description = "The buckets that this root makes, by their short names."
  value       = merge(module.kept.buckets, module.backups.buckets, { for name, b in google_storage_bucket.replaced : name => b.name }, { status = google_storage_bucket.status.name })
}

output "status_page" {
  description = "Where the status page is when the hub is down. Give it to customers before that."
  value       = "https://storage.googleapis.com/${google_storage_bucket.status.name}/status.html"
}
