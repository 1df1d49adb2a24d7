provider "google" {
  project = "hub-example-backup"
}

variables {
  project = "hub-example-backup"
  regions = ["europe-west1", "europe-west4"]
  key     = "projects/hub-example-backup/locations/europe/keyRings/ryggrad-backup/cryptoKeys/backup-objects"
  locked  = true
  buckets = {
    backup      = { name = "hub-example-backup-backup", keep_days = 35, delete_days = 36, erasable = false }
    backup-keys = { name = "hub-example-backup-keys", keep_days = 34, delete_days = 35, erasable = true }
  }
}

run "what_is_planned_holds" {
  command = plan

  # An object outlives a region.
  assert {
    condition = alltrue([for b in google_storage_bucket.buckets :
    b.rpo == "ASYNC_TURBO" && toset(b.custom_placement_config[0].data_locations) == toset(["EUROPE-WEST1", "EUROPE-WEST4"])])
    error_message = "A bucket is not in both regions, or not soon."
  }

  # Nobody empties a bucket.
  assert {
    condition     = google_storage_bucket.buckets["backup"].retention_policy[0].retention_period == "3024000" && google_storage_bucket.buckets["backup"].retention_policy[0].is_locked
    error_message = "Objects can be deleted before their time."
  }

  assert {
    condition     = alltrue([for b in google_storage_bucket.buckets : !b.force_destroy && b.deletion_policy == "PREVENT"])
    error_message = "A bucket can be destroyed."
  }

  # Nobody reads a bucket from outside.
  assert {
    condition     = alltrue([for b in google_storage_bucket.buckets : b.uniform_bucket_level_access && b.public_access_prevention == "enforced"])
    error_message = "A bucket could be made public."
  }

  assert {
    condition     = alltrue([for b in google_storage_bucket.buckets : b.encryption[0].default_kms_key_name == var.key])
    error_message = "A bucket is encrypted by another key."
  }

  # What an erasure waits for goes.
  assert {
    condition     = google_storage_bucket.buckets["backup-keys"].soft_delete_policy[0].retention_duration_seconds == 0 && google_storage_bucket.buckets["backup"].soft_delete_policy[0].retention_duration_seconds == 604800
    error_message = "Keys would stay in soft deletion."
  }

  assert {
    condition     = one(one(google_storage_bucket.buckets["backup-keys"].lifecycle_rule).condition).age == 35
    error_message = "Keys stay longer than promised."
  }
}

run "keys_that_stay_too_long_are_refused" {
  command = plan

  variables {
    buckets = { backup-keys = { name = "hub-example-backup-keys", keep_days = 34, delete_days = 60, erasable = true } }
  }

  expect_failures = [var.buckets]
}

run "a_bucket_without_retention_is_refused" {
  command = plan

  variables {
    buckets = { backup = { name = "hub-example-backup-backup", keep_days = 0, delete_days = 36, erasable = false } }
  }

  expect_failures = [var.buckets]
}

run "deletion_before_its_time_is_refused" {
  command = plan

  variables {
    buckets = { backup = { name = "hub-example-backup-backup", keep_days = 35, delete_days = 30, erasable = false } }
  }

  expect_failures = [var.buckets]
}
