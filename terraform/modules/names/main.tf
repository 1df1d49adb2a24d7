locals {
  location    = "europe"
  ring        = "projects/${var.project}/locations/${local.location}/keyRings/ryggrad"
  backup_ring = "projects/${var.backup_project}/locations/${local.location}/keyRings/ryggrad-backup"

  # Every key, by its short name. What signs has no automatic rotation in Cloud KMS: a command of the operator rolls it
  # with overlap, and an alert watches its age.
  keys = {
    "tenant-keys"       = { ring = local.ring, purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
    "access-tokens"     = { ring = local.ring, purpose = "ASYMMETRIC_SIGN", algorithm = "EC_SIGN_P256_SHA256" }
    "audit-checkpoints" = { ring = local.ring, purpose = "ASYMMETRIC_SIGN", algorithm = "EC_SIGN_ED25519" }
    "backup-manifests"  = { ring = local.ring, purpose = "ASYMMETRIC_SIGN", algorithm = "EC_SIGN_ED25519" }
    "database"          = { ring = local.ring, purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
    "objects"           = { ring = local.ring, purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
    "backup"            = { ring = local.backup_ring, purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
    "backup-objects"    = { ring = local.backup_ring, purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
  }

  # Every bucket that a function uses, by its short name.
  buckets = {
    "audit"         = "${var.project}-audit"
    "checkpoint"    = "${var.project}-checkpoint"
    "erasures"      = "${var.project}-erasures"
    "status"        = "${var.project}-status"
    "backup"        = "${var.backup_project}-backup"
    "backupmonthly" = "${var.backup_project}-backupmonthly"
    "backupkeys"    = "${var.backup_project}-backupkeys"
  }
}
