provider "google" {
  project = "hub-example"
}

variables {
  project            = "hub-example"
  witness_project    = "hub-example-backup"
  locked             = true
  functions_accounts = ["serviceAccount:fn-orders@hub-example.iam.gserviceaccount.com"]
}

run "the_witness_is_elsewhere_and_stays" {
  command = plan

  assert {
    condition     = google_logging_project_bucket_config.witness.project == "hub-example-backup" && google_logging_project_bucket_config.witness.locked && google_logging_project_bucket_config.witness.retention_days == 400
    error_message = "The witness could be silenced."
  }
}

run "entries_reach_the_witness" {
  command = plan

  assert {
    condition     = strcontains(google_logging_project_sink.entries.filter, "jsonPayload.message=\"audit entry\"") && google_logging_project_sink.entries.unique_writer_identity
    error_message = "The hashes go elsewhere."
  }

  assert {
    condition     = toset([for m in google_project_iam_member.writers : "${m.project} ${m.role}"]) == toset(["hub-example-backup roles/logging.bucketWriter"])
    error_message = "The sinks cannot write."
  }
}

run "every_use_of_a_key_is_logged" {
  command = plan

  assert {
    condition = toset([for c in google_project_iam_audit_config.access["cloudkms.googleapis.com"].audit_log_config : c.log_type]) == toset(["ADMIN_READ", "DATA_READ", "DATA_WRITE"]) && alltrue([
    for c in google_project_iam_audit_config.access["cloudkms.googleapis.com"].audit_log_config : length(coalesce(c.exempted_members, [])) == 0])
    error_message = "A use of a key goes unseen."
  }
}

run "only_functions_are_left_out" {
  command = plan

  variables {
    functions_accounts = ["user:kim@example.com"]
  }

  expect_failures = [var.functions_accounts]
}

run "a_witness_in_the_same_project_is_refused" {
  command = plan

  variables {
    witness_project = "hub-example"
  }

  expect_failures = [var.witness_project]
}

run "a_short_memory_is_refused" {
  command = plan

  variables {
    keep_days = 30
  }

  expect_failures = [var.keep_days]
}
