output "addresses" {
  description = "What the domain's A and AAAA records must say."
  value       = module.edge.addresses
}

output "environment" {
  description = "What the operator's command line needs to know of this hub, with GOOGLE_CLOUD_PROJECT."
  value       = local.environment
}

output "exports" {
  description = "The same as lines of a shell: eval \"$(terraform output -raw exports)\"."
  value       = join("\n", [for name, value in merge(local.environment, { GOOGLE_CLOUD_PROJECT = var.project }) : "export ${name}='${value}'"])
}

output "routes" {
  description = "The public routes, in the order in which they are tried."
  value       = module.edge.routes
}
