variables {
  project        = "hub-example"
  backup_project = "hub-example-backup"
}

run "names_follow_from_the_projects" {
  command = plan

  assert {
    condition     = output.keys["tenant-keys"].id == "projects/hub-example/locations/europe/keyRings/ryggrad/cryptoKeys/tenant-keys"
    error_message = "The functions look for this name."
  }

  assert {
    condition     = startswith(output.keys["backup"].id, "projects/hub-example-backup/")
    error_message = "The backups' key belongs to the other project."
  }

  assert {
    condition     = startswith(output.buckets["backup"], "hub-example-backup-")
    error_message = "The backups belong to the other project."
  }
}

run "regions_that_are_not_there_are_refused" {
  command = plan

  variables {
    regions       = ["europe-west1", "europe-west99"]
    active_region = "europe-west1"
  }

  expect_failures = [var.regions]
}

run "what_is_refused" {
  command = plan

  variables {
    # Backups in the same project are refused.
    backup_project = "hub-example"

    # An active region that the hub is not in is refused.
    active_region = "europe-north1"
  }

  expect_failures = [var.backup_project, var.active_region]
}

run "regions_outside_the_union_are_refused" {
  command = plan

  variables {
    regions = ["europe-west1", "europe-west2"]
  }

  expect_failures = [var.regions]
}

run "one_region_is_refused" {
  command = plan

  variables {
    regions = ["europe-west1"]
  }

  expect_failures = [var.regions]
}
