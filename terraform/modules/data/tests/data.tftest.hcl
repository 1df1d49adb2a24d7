provider "google" {
  project = "hub-example"
}

variables {
  project = "hub-example"
  key     = "projects/hub-example/locations/europe/keyRings/ryggrad/cryptoKeys/database"
  collections = [
    { name = "orders", ttl = "", single = [], indexes = [["tenant", "updatedAt"], ["tenant", "link", "-receivedAt"]] },
    { name = "users", ttl = "", single = ["tenant"], indexes = [["tags[]", "tenant"]] },
    { name = "sessions", ttl = "expireAt", single = [], indexes = [] },
  ]
}

run "what_is_planned_holds" {
  command = plan

  # The database can be brought back.
  assert {
    condition     = google_firestore_database.database.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
    error_message = "There is no point-in-time recovery."
  }

  assert {
    condition     = google_firestore_database.database.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.database.deletion_policy == "PREVENT"
    error_message = "The database can be deleted."
  }

  assert {
    condition     = google_firestore_backup_schedule.daily.retention == "1209600s" && google_firestore_backup_schedule.weekly.retention == "2419200s"
    error_message = "Backups are kept for another time than the erasure horizon assumes."
  }

  assert {
    condition     = google_firestore_database.database.cmek_config[0].kms_key_name == var.key
    error_message = "The database is encrypted by another key."
  }

  # Indexes are those of the table.
  assert {
    condition     = toset(keys(google_firestore_index.composite)) == toset(["orders tenant updatedAt", "orders tenant link -receivedAt", "users tags[] tenant"])
    error_message = "The composite indexes are others."
  }

  assert {
    condition     = google_firestore_index.composite["orders tenant link -receivedAt"].fields[2].field_path == "receivedAt" && google_firestore_index.composite["orders tenant link -receivedAt"].fields[2].order == "DESCENDING"
    error_message = "A descending field is not."
  }

  assert {
    condition     = google_firestore_index.composite["users tags[] tenant"].fields[0].array_config == "CONTAINS" && google_firestore_index.composite["users tags[] tenant"].fields[0].field_path == "tags"
    error_message = "A field for array-contains is not."
  }

  assert {
    condition     = keys(google_firestore_field.single) == ["users tenant"]
    error_message = "The single-field indexes are others."
  }

  # Nothing else is indexed.
  assert {
    condition     = alltrue([for f in google_firestore_field.unindexed : f.field == "*" && length(f.index_config[0].indexes) == 0]) && length(google_firestore_field.unindexed) == 3
    error_message = "A collection keeps automatic indexes."
  }

  # Documents expire.
  assert {
    condition     = google_firestore_field.expiring["sessions"].field == "expireAt" && length(google_firestore_field.expiring["sessions"].ttl_config) == 1 && length(google_firestore_field.expiring["sessions"].index_config[0].indexes) == 0
    error_message = "Documents do not expire, or the time is indexed."
  }

  # The rules let nobody in.
  assert {
    condition     = strcontains(google_firebaserules_ruleset.nobody.source[0].files[0].content, "allow read, write: if false;") && !strcontains(google_firebaserules_ruleset.nobody.source[0].files[0].content, "if true")
    error_message = "The rules let somebody in."
  }

  assert {
    condition     = google_firebaserules_release.nobody.name == "cloud.firestore"
    error_message = "The rules are another database's."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # One region is refused.
    location = "europe-west1"

    # A key of another location is refused.
    key = "projects/hub-example/locations/europe-west1/keyRings/ryggrad/cryptoKeys/database"

    # A searched expiry is refused.
    collections = [{ name = "sessions", ttl = "expireAt", single = ["expireAt"], indexes = [] }]
  }

  expect_failures = [var.location, var.key, var.collections]
}

run "an_index_of_one_field_is_refused" {
  command = plan

  variables {
    collections = [{ name = "orders", ttl = "", single = [], indexes = [["tenant"]] }]
  }

  expect_failures = [var.collections]
}
