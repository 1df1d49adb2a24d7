run "every_bucket_that_is_named_is_made" {
  command = plan

  assert {
    condition     = toset(keys(output.buckets)) == toset(keys(module.names.buckets))
    error_message = "A function would look for a bucket that nobody made."
  }
}

run "only_the_checkpoint_is_replaced" {
  command = plan

  assert {
    condition     = length(google_storage_bucket.checkpoint.retention_policy) == 0 && google_storage_bucket.checkpoint.versioning[0].enabled
    error_message = "The newest checkpoint could not be replaced, or older ones would be lost."
  }

  assert {
    condition     = google_storage_bucket.checkpoint.public_access_prevention == "enforced" && google_storage_bucket.checkpoint.uniform_bucket_level_access
    error_message = "The checkpoint's bucket could be made public."
  }
}

run "one_region_is_refused" {
  command = plan

  variables {
    regions = ["europe-west1"]
  }

  expect_failures = [var.regions]
}
