provider "google" {}

variables {
  project = "hub-example"
  ring    = "ryggrad"
  keys = {
    "tenant-keys"   = { purpose = "ENCRYPT_DECRYPT", algorithm = "GOOGLE_SYMMETRIC_ENCRYPTION" }
    "access-tokens" = { purpose = "ASYMMETRIC_SIGN", algorithm = "EC_SIGN_P256_SHA256" }
    "checkpoints"   = { purpose = "ASYMMETRIC_SIGN", algorithm = "EC_SIGN_ED25519" }
  }
}

run "keys_rotate_and_stay" {
  command = plan

  assert {
    condition     = google_kms_crypto_key.keys["tenant-keys"].rotation_period == "7776000s"
    error_message = "A key that encrypts rotates every 90 days."
  }

  assert {
    condition     = google_kms_crypto_key.keys["access-tokens"].rotation_period == null
    error_message = "Cloud KMS cannot rotate a key that signs."
  }

  assert {
    condition = alltrue([for k in google_kms_crypto_key.keys :
    k.deletion_policy == "PREVENT" && k.destroy_scheduled_duration == "7776000s"])
    error_message = "A key was not protected from destruction."
  }
}

run "hardware_is_an_option" {
  command = plan

  variables {
    hsm = true
  }

  assert {
    condition     = { for name, k in google_kms_crypto_key.keys : name => k.version_template[0].protection_level } == { "tenant-keys" = "HSM", "access-tokens" = "HSM", "checkpoints" = "SOFTWARE" }
    error_message = "A key is not in hardware, or one is to be that cannot."
  }
}

run "an_administrator_who_encrypts_is_refused" {
  command = plan

  variables {
    admins         = ["serviceAccount:service-1@gcp-sa-firestore.iam.gserviceaccount.com"]
    service_agents = { "tenant-keys" = ["serviceAccount:service-1@gcp-sa-firestore.iam.gserviceaccount.com"] }
  }

  expect_failures = [var.service_agents]
}

run "what_is_refused" {
  command = plan

  variables {
    # Rotation later than 90 days is refused.
    rotation_days = 91

    # Quick destruction is refused.
    destruction_days = 1

    # People cannot be given a key.
    service_agents = { "tenant-keys" = ["user:kim@example.com"] }
  }

  expect_failures = [var.rotation_days, var.destruction_days, var.service_agents]
}

run "weak_algorithms_are_refused" {
  command = plan

  variables {
    keys = { "old" = { purpose = "ASYMMETRIC_SIGN", algorithm = "RSA_SIGN_PKCS1_2048_SHA256" } }
  }

  expect_failures = [var.keys]
}
