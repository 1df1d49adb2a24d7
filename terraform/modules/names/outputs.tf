output "regions" {
  description = "The hub's two regions."
  value       = var.regions
}

output "active_region" {
  description = "The region that takes messages and ticks."
  value       = var.active_region
}

output "location" {
  description = "The multi-region of the keys and of what they encrypt."
  value       = local.location
}

output "key_ring" {
  description = "The hub's key ring, by its full name."
  value       = local.ring
}

output "backup_key_ring" {
  description = "The backups' key ring, by its full name."
  value       = local.backup_ring
}

output "keys" {
  description = "Every key by its short name: ring, full name (id), purpose and algorithm."
  value       = { for name, k in local.keys : name => merge(k, { id = "${k.ring}/cryptoKeys/${name}" }) }
}

output "buckets" {
  description = "Every bucket's name by its short name."
  value       = local.buckets
}

output "bundles_bucket" {
  description = "Where the functions' bundles are."
  value       = "${var.project}-bundles"
}

output "plans_bucket" {
  description = "Where saved plans wait for their approval."
  value       = "${var.project}-plans"
}

output "state_bucket" {
  description = "Where Terraform's states are."
  value       = "${var.project}-terraform"
}
