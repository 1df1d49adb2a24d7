# What every function finds in its environment. A test compares the names with what the code reads.
locals {
  environment = {
    RYGGRAD_AUDIT_BUCKET          = module.names.buckets["audit"]
    RYGGRAD_BACKUP_BUCKET         = module.names.buckets["backup"]
    RYGGRAD_BACKUP_KEY            = module.names.keys["backup"].id
    RYGGRAD_BACKUP_KEYS_BUCKET    = module.names.buckets["backupkeys"]
    RYGGRAD_BACKUP_MONTHLY_BUCKET = module.names.buckets["backupmonthly"]
    RYGGRAD_BACKUP_RECIPIENT      = var.backup_recipient
    RYGGRAD_BASE_URL              = "https://${var.domain}"
    RYGGRAD_CHECKPOINT_BUCKET     = module.names.buckets["checkpoint"]
    RYGGRAD_DISK_KEYS             = join(",", [for key in ["database", "objects", "backup-objects"] : module.names.keys[key].id])
    RYGGRAD_ERASURES_BUCKET       = module.names.buckets["erasures"]
    RYGGRAD_KEY_RING              = module.names.key_ring
    RYGGRAD_LOG_ORIGIN            = "${var.domain}/log"
    RYGGRAD_STATUS_BUCKET         = module.names.buckets["status"]
    RYGGRAD_TRUSTED_HOPS          = "2"
  }
}
