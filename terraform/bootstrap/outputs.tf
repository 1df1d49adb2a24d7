output "build_account" {
  description = "The account that builds functions; the root app asks for it."
  value       = module.delivery.build_account
}
