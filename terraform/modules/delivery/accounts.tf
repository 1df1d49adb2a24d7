locals {
  accounts = {
    check   = "Tests what is proposed, and can do nothing else"
    build   = "Tests what was merged, bundles it, and asks for a plan"
    plan    = "Reads what is deployed, to plan"
    apply   = "Applies an approved plan"
    builder = "Builds functions from their bundles"
  }

  own = { for name in keys(local.accounts) : name => google_service_account.accounts[name].member }
}

resource "google_service_account" "accounts" {
  for_each = local.accounts

  project      = var.project
  account_id   = "delivery-${each.key}"
  display_name = each.value
}

resource "google_project_iam_member" "logs" {
  for_each = local.own

  project = var.project
  role    = "roles/logging.logWriter"
  member  = each.value
}

resource "google_project_iam_member" "builder" {
  project = var.project
  role    = "roles/cloudbuild.builds.builder"
  member  = local.own["builder"]
}

resource "google_project_iam_member" "plan" {
  for_each = toset(var.plan_roles)

  project = var.project
  role    = each.value
  member  = local.own["plan"]
}

resource "google_project_iam_member" "apply" {
  for_each = toset(var.apply_roles)

  project = var.project
  role    = each.value
  member  = local.own["apply"]
}

# Applying gives functions their roles, and can give no others, least of all to itself.
resource "google_project_iam_member" "grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = local.own["apply"]

  condition {
    title       = "functions' roles only"
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for r in sort(var.grantable_roles) : "'${r}'"])}])"
    description = "The roles of functions/functions.json"
  }
}

# The build asks for a plan as the account that plans; what is proposed and not merged cannot.
resource "google_service_account_iam_member" "plans" {
  service_account_id = google_service_account.accounts["plan"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.own["build"]
}

resource "google_service_account_iam_member" "deploys" {
  service_account_id = google_service_account.accounts["builder"].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.own["apply"]
}

resource "google_project_iam_member" "approvers" {
  for_each = toset(var.approvers)

  project = var.project
  role    = "roles/cloudbuild.builds.approver"
  member  = each.value
}

resource "google_storage_bucket_iam_member" "buckets" {
  for_each = {
    "build writes bundles"   = { bucket = google_storage_bucket.buckets["bundles"].name, role = "roles/storage.objectCreator", member = local.own["build"] }
    "build reads bundles"    = { bucket = google_storage_bucket.buckets["bundles"].name, role = "roles/storage.objectViewer", member = local.own["build"] }
    "build writes plans"     = { bucket = google_storage_bucket.buckets["plans"].name, role = "roles/storage.objectCreator", member = local.own["build"] }
    "plan reads states"      = { bucket = var.names.states, role = "roles/storage.objectViewer", member = local.own["plan"] }
    "apply reads plans"      = { bucket = google_storage_bucket.buckets["plans"].name, role = "roles/storage.objectViewer", member = local.own["apply"] }
    "apply writes states"    = { bucket = var.names.states, role = "roles/storage.objectUser", member = local.own["apply"] }
    "apply reads bundles"    = { bucket = google_storage_bucket.buckets["bundles"].name, role = "roles/storage.objectViewer", member = local.own["apply"] }
    "functions read bundles" = { bucket = google_storage_bucket.buckets["bundles"].name, role = "roles/storage.objectViewer", member = local.own["builder"] }
  }

  bucket = each.value.bucket
  role   = each.value.role
  member = each.value.member
}
