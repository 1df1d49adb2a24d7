# What every function finds in its environment. A test compares the names with what the code reads.
locals {
  environment = {
    RYGGRAD_AUDIT_BUCKET      = module.names.buckets["audit"]
    RYGGRAD_BASE_URL          = "https://${var.domain}"
    RYGGRAD_CHECKPOINT_BUCKET = module.names.buckets["checkpoint"]
    RYGGRAD_KEY_RING          = module.names.key_ring
    RYGGRAD_LOG_ORIGIN        = "${var.domain}/log"
    RYGGRAD_TRUSTED_HOPS      = "2"
  }
}
