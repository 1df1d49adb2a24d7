output "topics" {
  description = "The topics' ids by their short names."
  value       = { for name, t in google_pubsub_topic.topics : name => t.id }
}

output "push_account" {
  description = "The account that Pub/Sub calls the functions with."
  value       = google_service_account.push.email
}

output "dead_letters" {
  description = "The subscriptions in which dead letters wait, by function."
  value       = { for name, s in google_pubsub_subscription.dead : name => s.name }
}
