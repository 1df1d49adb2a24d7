provider "google" {
  project = var.project
}

locals {
  table = jsondecode(file("${path.module}/../../functions/functions.json")).functions
  built = [for f in local.table : f if !f.coming]

  services = {
    hub = [
      "artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "cloudfunctions.googleapis.com", "cloudkms.googleapis.com",
      "cloudresourcemanager.googleapis.com", "cloudscheduler.googleapis.com", "cloudtrace.googleapis.com", "compute.googleapis.com", "eventarc.googleapis.com",
      "firebaserules.googleapis.com", "firestore.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com",
      "logging.googleapis.com", "monitoring.googleapis.com", "pubsub.googleapis.com", "run.googleapis.com",
      "storage.googleapis.com", "sts.googleapis.com", "telemetry.googleapis.com",
    ]
    backup = ["cloudkms.googleapis.com", "iam.googleapis.com", "logging.googleapis.com", "storage.googleapis.com"]
  }

  enabled = merge(
    { for s in local.services.hub : "hub ${s}" => { project = var.project, service = s } },
    { for s in local.services.backup : "backup ${s}" => { project = var.backup_project, service = s } },
  )
}

module "names" {
  source = "../modules/names"

  project        = var.project
  backup_project = var.backup_project
}

resource "google_project_service" "enabled" {
  for_each = local.enabled

  project            = each.value.project
  service            = each.value.service
  disable_on_destroy = false
}

module "delivery" {
  source = "../modules/delivery"

  project    = var.project
  region     = var.region
  repository = var.repository
  images     = var.images
  approvers  = var.approvers

  names = {
    bundles = module.names.bundles_bucket
    plans   = module.names.plans_bucket
    states  = module.names.state_bucket
  }

  grantable_roles = toset(concat(flatten([for f in local.built : f.roles.project]), ["roles/telemetry.writer"]))

  depends_on = [google_project_service.enabled]
}

# Functions make backups in the other project. Applying gives them their rights there, and can do nothing else there: what
# it could give itself meets retention that is locked, and destruction that takes 90 days.
resource "google_project_iam_custom_role" "grants" {
  project     = var.backup_project
  role_id     = "hubGrants"
  title       = "Rights of the hub's functions on backups"
  description = "Reads and sets rights on buckets and keys"
  permissions = [
    "cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.getIamPolicy", "cloudkms.cryptoKeys.setIamPolicy",
    "storage.buckets.get", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy",
  ]

  depends_on = [google_project_service.enabled]
}

resource "google_project_iam_custom_role" "reads" {
  project     = var.backup_project
  role_id     = "hubPlans"
  title       = "Rights of the hub's functions on backups, to read"
  description = "Reads rights on buckets and keys"
  permissions = ["cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.getIamPolicy", "storage.buckets.get", "storage.buckets.getIamPolicy"]

  depends_on = [google_project_service.enabled]
}

resource "google_project_iam_member" "backups" {
  for_each = {
    apply = google_project_iam_custom_role.grants.id
    plan  = google_project_iam_custom_role.reads.id
  }

  project = var.backup_project
  role    = each.value
  member  = "serviceAccount:${module.delivery.accounts[each.key]}"
}
