output "ids" {
  description = "The keys' full names, by their short ones."
  value       = { for name, k in google_kms_crypto_key.keys : name => k.id }
}
