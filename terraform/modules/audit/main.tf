# Every entry of the audit log writes its hash to the structured log. Kept elsewhere and locked, that is a witness which
# nobody who can write to the database can change.
resource "google_logging_project_bucket_config" "witness" {
  project        = var.witness_project
  location       = var.location
  bucket_id      = "ryggrad-witness"
  description    = "Hashes of audit entries, and who touched keys, data and rights"
  retention_days = var.keep_days
  locked         = var.locked

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_logging_project_sink" "entries" {
  project                = var.project
  name                   = "ryggrad-entries"
  description            = "Hashes of audit entries, to the witness"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.witness.id}"
  filter                 = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"audit entry\""
  unique_writer_identity = true
}

resource "google_logging_project_sink" "access" {
  project                = var.project
  name                   = "ryggrad-access"
  description            = "Who touched keys, data and rights, to the witness"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.witness.id}"
  filter                 = "logName:\"cloudaudit.googleapis.com\""
  unique_writer_identity = true
}

resource "google_project_iam_member" "writers" {
  for_each = {
    entries = google_logging_project_sink.entries.writer_identity
    access  = google_logging_project_sink.access.writer_identity
  }

  project = var.witness_project
  role    = "roles/logging.bucketWriter"
  member  = each.value
}

# Every use of a key, and of an account. What is done in the database and the buckets is logged where the functions' accounts
# are made, whose own work is left out.
resource "google_project_iam_audit_config" "access" {
  for_each = toset(["cloudkms.googleapis.com", "iam.googleapis.com"])

  project = var.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]

    content {
      log_type = audit_log_config.value
    }
  }
}
