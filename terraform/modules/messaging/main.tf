locals {
  agent  = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  topics = setunion(var.topics, [for s in values(var.subscriptions) : s.topic])

  # The way there and back takes time too. Pub/Sub knows no deadline under 10 s or over 600 s.
  deadlines = { for name, s in var.subscriptions : name => min(600, max(10, s.timeout + 30)) }
  scheduled = { for name, s in var.subscriptions : name => s if s.schedule != "" }
}

# Messages are kept in the hub's regions. That they also pass through no other is not enforced: Monitoring notifies from
# anywhere, and an operator elsewhere could not publish by hand. They hold ids, never a guest's data.
resource "google_pubsub_topic" "topics" {
  for_each = local.topics

  project                    = var.project
  name                       = each.value
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

# The identity that Pub/Sub shows to the functions. Nobody else may be it.
resource "google_service_account" "push" {
  project      = var.project
  account_id   = "pubsub-push"
  display_name = "Pub/Sub, towards the functions"
}

resource "google_service_account_iam_member" "push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = var.endpoints

  project  = var.project
  location = var.active_region
  name     = each.value.service
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

resource "google_pubsub_subscription" "push" {
  for_each = var.subscriptions

  project                    = var.project
  name                       = each.key
  topic                      = google_pubsub_topic.topics[each.value.topic].id
  ack_deadline_seconds       = local.deadlines[each.key]
  message_retention_duration = "604800s"

  # A subscription that was quiet for a month is still wanted.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = var.max_attempts
  }

  push_config {
    push_endpoint = var.endpoints[each.key].uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.endpoints[each.key].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push, google_service_account_iam_member.push]
}

resource "google_pubsub_topic" "dead" {
  for_each = var.subscriptions

  project = var.project
  name    = "${each.key}-dead"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

# Without a subscription, a dead letter would be gone.
resource "google_pubsub_subscription" "dead" {
  for_each = var.subscriptions

  project                    = var.project
  name                       = "${each.key}-dead"
  topic                      = google_pubsub_topic.dead[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic_iam_member" "dead" {
  for_each = var.subscriptions

  project = var.project
  topic   = google_pubsub_topic.dead[each.key].id
  role    = "roles/pubsub.publisher"
  member  = local.agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  for_each = var.subscriptions

  project      = var.project
  subscription = google_pubsub_subscription.push[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

resource "google_cloud_scheduler_job" "ticks" {
  for_each = local.scheduled

  project     = var.project
  region      = var.active_region
  name        = each.key
  description = "Tells the function ${each.key} that it is time"
  schedule    = each.value.schedule
  time_zone   = "Etc/UTC"

  retry_config {
    retry_count          = 3
    min_backoff_duration = "5s"
    max_backoff_duration = "30s"
  }

  pubsub_target {
    topic_name = google_pubsub_topic.topics[each.value.topic].id
    data       = base64encode("{}")
  }
}
