resource "google_kms_key_ring" "ring" {
  project  = var.project
  location = var.location
  name     = var.ring

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key" "keys" {
  for_each = var.keys

  key_ring                   = google_kms_key_ring.ring.id
  name                       = each.key
  purpose                    = each.value.purpose
  rotation_period            = each.value.purpose == "ENCRYPT_DECRYPT" ? "${var.rotation_days * 86400}s" : null
  destroy_scheduled_duration = "${var.destruction_days * 86400}s"
  deletion_policy            = "PREVENT"

  version_template {
    algorithm        = each.value.algorithm
    protection_level = var.hsm && contains(local.hardware, each.value.algorithm) ? "HSM" : "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_key_ring_iam_member" "admins" {
  for_each = toset(var.admins)

  key_ring_id = google_kms_key_ring.ring.id
  role        = "roles/cloudkms.admin"
  member      = each.value
}

locals {
  # What Cloud HSM is known to make. Ed25519 is not among it: a key of that kind would be refused when it is applied.
  hardware = ["GOOGLE_SYMMETRIC_ENCRYPTION", "EC_SIGN_P256_SHA256", "HMAC_SHA256"]

  agents = merge([for key, members in var.service_agents : { for m in members : "${key} ${m}" => { key = key, member = m } }]...)
}

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each = local.agents

  crypto_key_id = google_kms_crypto_key.keys[each.value.key].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value.member
}
