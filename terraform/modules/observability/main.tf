resource "google_monitoring_notification_channel" "hub" {
  project      = var.project
  display_name = "Ryggrad's function alerts"
  type         = "pubsub"
  labels       = { topic = var.topic }
}

# Monitoring's agent comes into being with the first channel of this type, and nobody can be given a right before.
resource "google_pubsub_topic_iam_member" "hub" {
  project = var.project
  topic   = var.topic
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${var.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"

  depends_on = [google_monitoring_notification_channel.hub]
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
