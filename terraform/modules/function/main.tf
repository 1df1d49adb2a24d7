locals {
  public = var.function.trigger == "http"

  topic_roles  = merge([for name, roles in var.function.roles.topics : { for r in roles : "${name} ${r}" => { on = var.topics[name], role = r } }]...)
  key_roles    = merge([for name, roles in var.function.roles.keys : { for r in roles : "${name} ${r}" => { on = var.keys[name], role = r } }]...)
  bucket_roles = merge([for name, roles in var.function.roles.buckets : { for r in roles : "${name} ${r}" => { on = var.buckets[name], role = r } }]...)

  # What every function does besides its work: traces and metrics over OTLP. Its log is read by the platform.
  project_roles = concat(var.function.roles.project, ["roles/telemetry.writer"])
}

resource "google_service_account" "account" {
  project      = var.project
  account_id   = "fn-${var.function.name}"
  display_name = "The function ${var.function.name}"
}

resource "google_cloudfunctions2_function" "function" {
  for_each = toset(var.regions)

  project     = var.project
  name        = var.function.name
  location    = each.value
  description = "Ryggrad's function ${var.function.name}"

  build_config {
    runtime         = "go126"
    entry_point     = var.function.name
    service_account = var.build_account

    # The code is the same and the Go that compiles it is newer: another number builds it again.
    environment_variables = { RYGGRAD_REBUILD = tostring(var.rebuild) }

    source {
      storage_source {
        bucket = var.bundle.bucket
        object = var.bundle.object
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.account.email
    ingress_settings                 = local.public ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY"
    available_memory                 = var.function.memory
    available_cpu                    = tostring(var.function.cpu)
    max_instance_request_concurrency = var.function.concurrency
    timeout_seconds                  = var.function.timeout
    min_instance_count               = var.function.minInstances
    max_instance_count               = var.function.maxInstances
    all_traffic_on_latest_revision   = true

    # Google's libraries look for the metadata server when they are not told where it is, and remember for good that they
    # did not find it in time: https://pkg.go.dev/cloud.google.com/go/compute/metadata#OnGCE.
    environment_variables = merge(var.environment, {
      CLOUD_RUN_TIMEOUT_SECONDS = tostring(var.function.timeout)
      GCE_METADATA_HOST         = "169.254.169.254"
      GOOGLE_CLOUD_PROJECT      = var.project
    })

    direct_vpc_egress = var.egress == null ? null : "VPC_EGRESS_ALL_TRAFFIC"

    dynamic "direct_vpc_network_interface" {
      for_each = var.egress == null ? [] : [var.egress]

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetworks[each.value]
      }
    }
  }

  # A revision that starts without its rights fails its first requests.
  depends_on = [
    google_project_iam_member.project,
    google_pubsub_topic_iam_member.topics,
    google_kms_crypto_key_iam_member.keys,
    google_storage_bucket_iam_member.buckets,
  ]
}

# The hub knows its callers by their credentials and not by Google accounts. Only the load balancer reaches the service.
resource "google_cloud_run_v2_service_iam_member" "callers" {
  for_each = local.public ? toset(var.regions) : []

  project  = var.project
  location = each.value
  name     = google_cloudfunctions2_function.function[each.value].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_project_iam_member" "project" {
  for_each = toset(local.project_roles)

  project = var.project
  role    = each.value
  member  = google_service_account.account.member
}

resource "google_pubsub_topic_iam_member" "topics" {
  for_each = local.topic_roles

  project = var.project
  topic   = each.value.on
  role    = each.value.role
  member  = google_service_account.account.member
}

resource "google_kms_crypto_key_iam_member" "keys" {
  for_each = local.key_roles

  crypto_key_id = each.value.on
  role          = each.value.role
  member        = google_service_account.account.member
}

resource "google_storage_bucket_iam_member" "buckets" {
  for_each = local.bucket_roles

  bucket = each.value.on
  role   = each.value.role
  member = google_service_account.account.member
}
