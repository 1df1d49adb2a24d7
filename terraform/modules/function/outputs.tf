output "account" {
  description = "The function's own service account, by its address."
  value       = google_service_account.account.email
}

output "uris" {
  description = "The function's own address in each region. It takes requests from inside the project only."
  value       = { for region, f in google_cloudfunctions2_function.function : region => f.service_config[0].uri }
}

output "services" {
  description = "The Cloud Run service under the function, in each region."
  value       = { for region, f in google_cloudfunctions2_function.function : region => f.name }
}
