locals {
  # Lines of the functions and of nobody else.
  functions_log = "resource.type=\"cloud_run_revision\" AND "

  metrics = { for m in var.metrics : m.name => merge(m, {
    filter = "${local.functions_log}jsonPayload.message=(${join(" OR ", [for text in m.messages : jsonencode(text)])})"
  }) }

  # What the alerts of these names tell of: whoever touches data, keys or objects and is no service of ours.
  break_glass = join(" AND ", [
    "logName:\"cloudaudit.googleapis.com%2Fdata_access\"",
    "protoPayload.serviceName=(\"datastore.googleapis.com\" OR \"firestore.googleapis.com\" OR \"cloudkms.googleapis.com\" OR \"storage.googleapis.com\")",
    "NOT protoPayload.authenticationInfo.principalEmail=~\"gserviceaccount\\.com$\"",
  ])
  rights_changed = join(" AND ", [
    "logName:\"cloudaudit.googleapis.com%2Factivity\"",
    "protoPayload.methodName=~\"(SetIamPolicy|setIamPolicy|CreateServiceAccountKey|UpdateBucket|storage.buckets.update|DestroyCryptoKeyVersion|UpdateCryptoKey|DeleteDatabase|UpdateDatabase|DeleteSink|UpdateSink|DeleteAlertPolicy)$\"",
  ])
}

resource "google_logging_metric" "lines" {
  for_each = { for name, m in local.metrics : name => m if m.value == "" }

  project     = var.project
  name        = "ryggrad/${each.key}"
  description = each.value.about
  filter      = each.value.filter

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

# Bounds that fit seconds of an age as well as days: an alert asks whether the greatest value is beyond one of them.
resource "google_logging_metric" "values" {
  for_each = { for name, m in local.metrics : name => m if m.value != "" }

  project         = var.project
  name            = "ryggrad/${each.key}"
  description     = each.value.about
  filter          = each.value.filter
  value_extractor = "EXTRACT(jsonPayload.${each.value.value})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
  }

  bucket_options {
    explicit_buckets {
      bounds = [1, 10, 30, 60, 90, 120, 180, 300, 365, 600, 1800, 3600, 4500, 7200, 12600, 43200, 86400]
    }
  }
}

# Which set it was is a label, since each is promised to be newer than another age.
resource "google_logging_metric" "backup_made" {
  project          = var.project
  name             = "ryggrad/backup_made"
  description      = "Backups that were finished, by set"
  filter           = "${local.functions_log}jsonPayload.message=\"backup made\""
  label_extractors = { set = "EXTRACT(jsonPayload.set)" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key        = "set"
      value_type = "STRING"
    }
  }
}
