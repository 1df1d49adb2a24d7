output "database" {
  description = "The database's id."
  value       = google_firestore_database.database.name
}

output "indexes" {
  description = "How many composite indexes there are; Firestore's limit is 1,000 for a database."
  value       = length(google_firestore_index.composite)
}
