resource "google_storage_bucket" "buckets" {
  for_each = var.buckets

  project                     = var.project
  name                        = each.value.name
  location                    = "EU"
  rpo                         = "ASYNC_TURBO"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  deletion_policy             = "PREVENT"

  custom_placement_config {
    data_locations = [for r in var.regions : upper(r)]
  }

  encryption {
    default_kms_key_name = var.key
  }

  retention_policy {
    retention_period = tostring(each.value.keep_days * 86400)
    is_locked        = var.locked
  }

  # Soft deletion would keep for a week what an erasure says is gone.
  soft_delete_policy {
    retention_duration_seconds = each.value.erasable ? 0 : 604800
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.delete_days > 0 ? [each.value.delete_days] : []

    content {
      action {
        type = "Delete"
      }

      condition {
        age = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.cold_days > 0 ? [each.value.cold_days] : []

    content {
      action {
        type          = "SetStorageClass"
        storage_class = "COLDLINE"
      }

      condition {
        age = lifecycle_rule.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
