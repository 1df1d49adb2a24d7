# Who reads and writes the database and the buckets is logged, except the functions themselves: it is their work, and the hub's
# own log has its acts. IAM takes only accounts that there are, so this is here and not beside the witness.
resource "google_project_iam_audit_config" "data" {
  for_each = toset(["datastore.googleapis.com", "storage.googleapis.com"])

  project = var.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]

    content {
      log_type         = audit_log_config.value
      exempted_members = sort([for f in module.functions : "serviceAccount:${f.account}"])
    }
  }
}
