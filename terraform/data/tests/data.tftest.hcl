run "every_bucket_that_is_named_is_made" {
  command = plan

  assert {
    condition     = toset(keys(output.buckets)) == toset(keys(module.names.buckets))
    error_message = "A function would look for a bucket that nobody made."
  }
}

run "what_is_replaced_keeps_its_versions" {
  command = plan

  assert {
    condition     = alltrue([for b in google_storage_bucket.replaced : length(b.retention_policy) == 0 && b.versioning[0].enabled])
    error_message = "It could not be replaced, or older versions would be lost."
  }

  assert {
    condition     = alltrue([for b in google_storage_bucket.replaced : b.public_access_prevention == "enforced" && b.uniform_bucket_level_access])
    error_message = "A bucket could be made public."
  }
}

run "one_region_is_refused" {
  command = plan

  variables {
    regions = ["europe-west1"]
  }

  expect_failures = [var.regions]
}
