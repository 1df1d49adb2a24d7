output "egress_addresses" {
  description = "The addresses that the hub's requests come from, for partners who list them."
  value       = { for region, a in google_compute_address.egress : region => a.address }
}
