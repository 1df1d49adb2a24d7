output "buckets" {
  description = "The buckets' names by their short ones."
  value       = { for name, b in google_storage_bucket.buckets : name => b.name }
}
