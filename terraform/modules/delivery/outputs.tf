output "build_account" {
  description = "The account that builds functions, by its full name."
  value       = google_service_account.accounts["builder"].name
}

output "accounts" {
  description = "The accounts of delivery, by what they do."
  value       = { for name, a in google_service_account.accounts : name => a.email }
}
