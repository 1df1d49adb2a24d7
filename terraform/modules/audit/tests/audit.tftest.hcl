provider "google" {
  project = "hub-example"
}

variables {
  project         = "hub-example"
  witness_project = "hub-example-backup"
  locked          = true
}

run "what_is_planned_holds" {
  command = plan

  # The witness is elsewhere and stays.
  assert {
    condition     = google_logging_project_bucket_config.witness.project == "hub-example-backup" && google_logging_project_bucket_config.witness.locked && google_logging_project_bucket_config.witness.retention_days == 400
    error_message = "The witness could be silenced."
  }

  # Entries reach the witness.
  assert {
    condition     = strcontains(google_logging_project_sink.entries.filter, "jsonPayload.message=\"audit entry\"") && google_logging_project_sink.entries.unique_writer_identity
    error_message = "The hashes go elsewhere."
  }

  assert {
    condition     = toset([for m in google_project_iam_member.writers : "${m.project} ${m.role}"]) == toset(["hub-example-backup roles/logging.bucketWriter"])
    error_message = "The sinks cannot write."
  }

  # Every use of a key is logged.
  assert {
    condition = toset([for c in google_project_iam_audit_config.access["cloudkms.googleapis.com"].audit_log_config : c.log_type]) == toset(["ADMIN_READ", "DATA_READ", "DATA_WRITE"]) && alltrue([
    for c in google_project_iam_audit_config.access["cloudkms.googleapis.com"].audit_log_config : length(coalesce(c.exempted_members, [])) == 0])
    error_message = "A use of a key goes unseen."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # A witness in the same project is refused.
    witness_project = "hub-example"

    # A short memory is refused.
    keep_days = 30
  }

  expect_failures = [var.witness_project, var.keep_days]
}
