output "addresses" {
  description = "What the domain's A and AAAA records must say."
  value       = { for version, a in google_compute_global_address.addresses : version => a.address }
}

output "routes" {
  description = "The routes in the order in which they are tried, and the backend of each."
  value       = [for r in local.ordered : "${r} ${local.backend_of[r]}"]
}
