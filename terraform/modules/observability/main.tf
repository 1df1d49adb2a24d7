resource "google_monitoring_notification_channel" "hub" {
  project      = var.project
  display_name = "Ryggrad's function alerts"
  type         = "pubsub"
  labels       = { topic = var.topic }
}

resource "google_monitoring_notification_channel" "people" {
  for_each = toset(var.people)

  project      = var.project
  display_name = "Whoever is on call"
  type         = "email"
  labels       = { email_address = each.value }
}

locals {
  channels = concat([google_monitoring_notification_channel.hub.id], [for c in google_monitoring_notification_channel.people : c.id])
}
