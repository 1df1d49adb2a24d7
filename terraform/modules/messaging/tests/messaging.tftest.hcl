provider "google" {
  project = "hub-example"
}

variables {
  project        = "hub-example"
  project_number = "123456789012"
  regions        = ["europe-west1", "europe-west4"]
  active_region  = "europe-west1"
  topics         = ["alerts"]
  subscriptions = {
    dispatch = { topic = "events", timeout = 60, schedule = "" }
    backup   = { topic = "backup", timeout = 540, schedule = "0 * * * *" }
  }
  endpoints = {
    dispatch = { uri = "https://dispatch.example.com", service = "dispatch" }
    backup   = { uri = "https://backup.example.com", service = "backup" }
  }
}

run "what_is_planned_holds" {
  command = plan

  # Every subscription waits longer than its function works.
  assert {
    condition     = google_pubsub_subscription.push["dispatch"].ack_deadline_seconds == 90 && google_pubsub_subscription.push["backup"].ack_deadline_seconds == 570
    error_message = "Pub/Sub would send again while the function still works."
  }

  # Nothing is lost.
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.push : length(s.dead_letter_policy) == 1 && s.retry_policy[0].minimum_backoff == "10s" && s.retry_policy[0].maximum_backoff == "600s"])
    error_message = "A subscription has no dead letters or other retries."
  }

  assert {
    condition     = toset(keys(google_pubsub_subscription.dead)) == toset(keys(google_pubsub_subscription.push))
    error_message = "Dead letters would be gone: nobody subscribes to them."
  }

  assert {
    condition     = alltrue([for s in concat(values(google_pubsub_subscription.push), values(google_pubsub_subscription.dead)) : s.expiration_policy[0].ttl == ""])
    error_message = "A quiet subscription would expire."
  }

  assert {
    condition = alltrue([for m in concat(values(google_pubsub_topic_iam_member.dead), values(google_pubsub_subscription_iam_member.dead)) :
    m.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"])
    error_message = "Pub/Sub could not put a dead letter aside."
  }

  # Pushes are signed.
  assert {
    condition = alltrue([for name, s in google_pubsub_subscription.push :
    s.push_config[0].oidc_token[0].service_account_email == "pubsub-push@hub-example.iam.gserviceaccount.com" && s.push_config[0].oidc_token[0].audience == s.push_config[0].push_endpoint])
    error_message = "A push does not prove who sends it."
  }

  # Messages stay in the regions.
  assert {
    condition = alltrue([for t in concat(values(google_pubsub_topic.topics), values(google_pubsub_topic.dead)) :
    toset(t.message_storage_policy[0].allowed_persistence_regions) == toset(["europe-west1", "europe-west4"])])
    error_message = "Messages could be kept elsewhere."
  }

  # Ticks are in utc and in the active region.
  assert {
    condition     = keys(google_cloud_scheduler_job.ticks) == ["backup"]
    error_message = "Only what has a schedule ticks."
  }

  assert {
    condition     = google_cloud_scheduler_job.ticks["backup"].time_zone == "Etc/UTC" && google_cloud_scheduler_job.ticks["backup"].region == "europe-west1"
    error_message = "A tick comes at another time or from elsewhere."
  }
}

run "everything_moves_to_the_other_region" {
  command = plan

  variables {
    active_region = "europe-west4"
  }

  assert {
    condition     = alltrue([for j in google_cloud_scheduler_job.ticks : j.region == "europe-west4"]) && alltrue([for m in google_cloud_run_v2_service_iam_member.push : m.location == "europe-west4"])
    error_message = "Something stayed behind."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # A bad cron line is refused.
    subscriptions = {
      dispatch = { topic = "events", timeout = 60, schedule = "" }
      backup   = { topic = "backup", timeout = 540, schedule = "61 * * * *" }
    }
  }

  expect_failures = [var.subscriptions]
}

run "a_cron_line_of_four_fields_is_refused" {
  command = plan

  variables {
    subscriptions = {
      dispatch = { topic = "events", timeout = 60, schedule = "" }
      backup   = { topic = "backup", timeout = 540, schedule = "0 * * *" }
    }
  }

  expect_failures = [var.subscriptions]
}

run "a_timeout_that_pubsub_cannot_wait_for_is_refused" {
  command = plan

  variables {
    subscriptions = {
      dispatch = { topic = "events", timeout = 600, schedule = "" }
      backup   = { topic = "backup", timeout = 540, schedule = "" }
    }
  }

  expect_failures = [var.subscriptions]
}

run "a_function_without_an_address_is_refused" {
  command = plan

  variables {
    endpoints = { dispatch = { uri = "https://dispatch.example.com", service = "dispatch" } }
  }

  expect_failures = [var.endpoints]
}
