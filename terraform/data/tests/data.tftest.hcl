run "what_is_planned_holds" {
  command = plan

  # Every bucket that is named is made.
  assert {
    condition     = toset(keys(output.buckets)) == toset(keys(module.names.buckets))
    error_message = "A function would look for a bucket that nobody made."
  }

  # What is replaced keeps its versions.
  assert {
    condition     = alltrue([for b in google_storage_bucket.replaced : length(b.retention_policy) == 0 && b.versioning[0].enabled])
    error_message = "It could not be replaced, or older versions would be lost."
  }

  assert {
    condition     = alltrue([for b in google_storage_bucket.replaced : b.public_access_prevention == "enforced" && b.uniform_bucket_level_access])
    error_message = "A bucket could be made public."
  }

  # The drill has a database of its own, which keeps no past.
  assert {
    condition     = google_firestore_database.scratch.name == "scratch" && google_firestore_database.scratch.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_DISABLED" && google_firestore_database.scratch.cmek_config[0].kms_key_name == module.names.keys["database"].id
    error_message = "The drill has nowhere to restore to, or erased guests stay there."
  }

  # The status page is there when the hub is not.
  assert {
    condition     = !contains([for r in var.regions : upper(r)], google_storage_bucket.status.location) && length(google_storage_bucket.status.encryption) == 0
    error_message = "The copies would be down together with the hub's regions or keys."
  }

  assert {
    condition     = google_storage_bucket_iam_member.everybody.member == "allUsers" && google_storage_bucket_iam_member.everybody.role == "roles/storage.legacyObjectReader"
    error_message = "Nobody could read the copies, or everybody could list the bucket."
  }
}

run "copies_in_a_region_of_the_hub_are_refused" {
  command = plan

  variables {
    status_region = "europe-west4"
  }

  expect_failures = [var.status_region]
}

run "one_region_is_refused" {
  command = plan

  variables {
    regions = ["europe-west1"]
  }

  expect_failures = [var.regions]
}
