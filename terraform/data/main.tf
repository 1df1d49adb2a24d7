# A person applies this root, with credentials that belong to no project; the API of the rules wants to know whose quota a
# request is.
provider "google" {
  project               = var.project
  billing_project       = var.project
  user_project_override = true
}

module "names" {
  source = "../modules/names"

  project        = var.project
  backup_project = var.backup_project
  regions        = var.regions
  active_region  = var.regions[0]
}

module "database" {
  source = "../modules/data"

  project     = var.project
  key         = module.names.keys["database"].id
  collections = jsondecode(file("${path.module}/../../shared/collections.json")).collections
}

# Where the weekly drill restores to. It is empty in between unless one fails, and forgets within an hour what was in it:
# were its past kept, a guest who was erased would be in it for longer than is promised.
resource "google_firestore_database" "scratch" {
  project                           = var.project
  name                              = "scratch"
  location_id                       = "eur3"
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"

  cmek_config {
    kms_key_name = module.names.keys["database"].id
  }
}

# The audit log's objects never change. The list of erasures must outlive every backup that still holds what was erased.
module "kept" {
  source = "../modules/backup"

  project = var.project
  regions = var.regions
  key     = module.names.keys["objects"].id
  locked  = var.production

  buckets = {
    audit    = { name = module.names.buckets["audit"], keep_days = 3650, delete_days = 0, erasable = false, cold_days = 90 }
    erasures = { name = module.names.buckets["erasures"], keep_days = 400, delete_days = 0, erasable = false }
  }
}

module "backups" {
  source = "../modules/backup"

  project = var.backup_project
  regions = var.regions
  key     = module.names.keys["backup-objects"].id
  locked  = var.production

  buckets = {
    backup        = { name = module.names.buckets["backup"], keep_days = 35, delete_days = 36, erasable = false }
    backupmonthly = { name = module.names.buckets["backupmonthly"], keep_days = 366, delete_days = 367, erasable = false, cold_days = 30 }
    backupkeys    = { name = module.names.buckets["backupkeys"], keep_days = 34, delete_days = 35, erasable = true }
  }
}

# What is replaced: the newest checkpoint of the log. Older versions stay for a month.
resource "google_storage_bucket" "replaced" {
  for_each = toset(["checkpoint"])

  project                     = var.project
  name                        = module.names.buckets[each.value]
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
    default_kms_key_name = module.names.keys["objects"].id
  }

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The copies of the status pages are for everybody, at storage.googleapis.com, and are there when the hub is not: in a region
# in which it does not run, under Google's keys instead of ours, and without a load balancer, a certificate or a name of ours
# before them, which would be down together with the hub's.
resource "google_storage_bucket" "status" {
  project                     = var.project
  name                        = module.names.buckets["status"]
  location                    = upper(var.status_region)
  uniform_bucket_level_access = true
  public_access_prevention    = "inherited"
  force_destroy               = false
  deletion_policy             = "PREVENT"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 1
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Whoever knows a page's name reads it; nobody lists.
resource "google_storage_bucket_iam_member" "everybody" {
  bucket = google_storage_bucket.status.name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}
