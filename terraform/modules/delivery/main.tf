locals {
  buckets = {
    bundles = { name = var.names.bundles, days = 400 }
    plans   = { name = var.names.plans, days = 400 }
  }

  pinned = {
    _GO_IMAGE        = var.images.go
    _TERRAFORM_IMAGE = var.images.terraform
    _GCLOUD_IMAGE    = var.images.gcloud
  }
}

# What was deployed, and what was planned, can be looked up for a year and changed by nobody.
resource "google_storage_bucket" "buckets" {
  for_each = local.buckets

  project                     = var.project
  name                        = each.value.name
  location                    = upper(var.region)
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  retention_policy {
    retention_period = tostring(each.value.days * 86400)
    is_locked        = false
  }
}

resource "google_cloudbuild_trigger" "check" {
  project         = var.project
  location        = var.region
  name            = "check"
  description     = "Everything that must hold, on what is proposed"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.accounts["check"].id

  substitutions = merge(local.pinned, { _DEPLOY = "no" })

  repository_event_config {
    repository = var.repository

    pull_request {
      branch          = "^${replace(var.branch, ".", "\\.")}$"
      comment_control = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    }
  }
}

resource "google_cloudbuild_trigger" "build" {
  project         = var.project
  location        = var.region
  name            = "build"
  description     = "Everything that must hold, the bundles and a plan, on what was merged"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.accounts["build"].id

  substitutions = merge(local.pinned, {
    _DEPLOY  = "yes"
    _BUNDLES = google_storage_bucket.buckets["bundles"].name
    _PLANS   = google_storage_bucket.buckets["plans"].name
    _STATES  = var.names.states
    _PLANNER = google_service_account.accounts["plan"].email
  })

  repository_event_config {
    repository = var.repository

    push {
      branch = "^${replace(var.branch, ".", "\\.")}$"
    }
  }
}

# Applying takes what was planned, with the providers and the configuration that it was planned with, and nothing from
# the repository. It begins by hand, with the commit that it is to deploy, and waits for somebody's approval.
resource "google_cloudbuild_trigger" "apply" {
  project         = var.project
  location        = var.region
  name            = "apply"
  description     = "Applies the plan of one commit, exactly as it was saved"
  service_account = google_service_account.accounts["apply"].id

  approval_config {
    approval_required = true
  }

  # Nobody publishes here: a trigger must have an event, and this one is run by hand.
  pubsub_config {
    topic = google_pubsub_topic.never.id
  }

  substitutions = {
    _COMMIT = "unset"
  }

  build {
    timeout = "3600s"

    options {
      logging             = "CLOUD_LOGGING_ONLY"
      substitution_option = "MUST_MATCH"
    }

    step {
      id         = "fetch"
      name       = var.images.gcloud
      entrypoint = "bash"
      args = ["-euc", <<-SCRIPT
        case "$_COMMIT" in *[!0-9a-f]*|'') echo 'Name the commit: _COMMIT=<40 hex digits>.'; exit 2 ;; esac
        gcloud storage cp "gs://${google_storage_bucket.buckets["plans"].name}/$_COMMIT/plan.tar.gz" .
        tar xzf plan.tar.gz
        sha256sum terraform/app/saved.tfplan
      SCRIPT
      ]
    }

    step {
      id         = "apply"
      name       = var.images.terraform
      entrypoint = "terraform"
      args       = ["-chdir=terraform/app", "apply", "-input=false", "-no-color", "saved.tfplan"]
    }
  }
}

resource "google_pubsub_topic" "never" {
  project = var.project
  name    = "delivery-by-hand"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
    enforce_in_transit          = true
  }
}

resource "google_iam_workload_identity_pool" "ci" {
  count = var.federation == null ? 0 : 1

  project                   = var.project
  workload_identity_pool_id = "delivery"
  display_name              = "Delivery"
  description               = "Another CI, without keys"
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  count = var.federation == null ? 0 : 1

  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "ci"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = var.federation.condition

  oidc {
    issuer_uri = var.federation.issuer
  }
}

resource "google_service_account_iam_member" "ci" {
  count = var.federation == null ? 0 : 1

  service_account_id = google_service_account.accounts["check"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.ci[0].name}/subject/${var.federation.subject}"
}
