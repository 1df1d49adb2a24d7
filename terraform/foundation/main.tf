provider "google" {
  project = var.project
}

module "names" {
  source = "../modules/names"

  project        = var.project
  backup_project = var.backup_project
  regions        = var.regions
  active_region  = var.regions[0]
}

module "keys" {
  source = "../modules/keys"

  project  = var.project
  location = module.names.location
  ring     = element(split("/", module.names.key_ring), 5)
  keys     = { for name, k in module.names.keys : name => k if k.ring == module.names.key_ring }
  hsm      = var.hsm
  admins   = var.key_admins

  service_agents = {
    "database" = ["serviceAccount:service-${var.project_number}@gcp-sa-firestore.iam.gserviceaccount.com"]
    "objects"  = ["serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"]
  }
}

module "backup_keys" {
  source = "../modules/keys"

  project  = var.backup_project
  location = module.names.location
  ring     = element(split("/", module.names.backup_key_ring), 5)
  keys     = { for name, k in module.names.keys : name => k if k.ring == module.names.backup_key_ring }
  hsm      = var.hsm
  admins   = var.key_admins

  service_agents = {
    "backup-objects" = ["serviceAccount:service-${var.backup_project_number}@gs-project-accounts.iam.gserviceaccount.com"]
  }
}

module "audit" {
  source = "../modules/audit"

  project         = var.project
  witness_project = var.backup_project
  locked          = var.production
}
