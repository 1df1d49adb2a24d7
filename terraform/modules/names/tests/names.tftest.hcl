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

run "backups_in_the_same_project_are_refused" {
  command = plan

  variables {
    backup_project = "hub-example"
  }

  expect_failures = [var.backup_project]
}

run "one_region_is_refused" {
  command = plan

  variables {
    regions = ["europe-west1"]
  }

  expect_failures = [var.regions]
}

run "regions_outside_the_union_are_refused" {
  command = plan

  variables {
    regions = ["europe-west1", "europe-west2"]
  }

  expect_failures = [var.regions]
}

run "regions_that_are_not_there_are_refused" {
  command = plan

  variables {
    regions       = ["europe-west1", "europe-west99"]
    active_region = "europe-west1"
  }

  expect_failures = [var.regions]
}

run "an_active_region_that_the_hub_is_not_in_is_refused" {
  command = plan

  variables {
    active_region = "europe-north1"
  }

  expect_failures = [var.active_region]
}
