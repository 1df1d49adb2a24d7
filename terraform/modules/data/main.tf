resource "google_firestore_database" "database" {
  project                           = var.project
  name                              = var.database
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "PREVENT"

  cmek_config {
    kms_key_name = var.key
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project
  database  = google_firestore_database.database.name
  retention = "1209600s" # 14 days

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  project   = var.project
  database  = google_firestore_database.database.name
  retention = "2419200s" # 4 weeks

  weekly_recurrence {
    day = "SUNDAY"
  }
}

# Browsers and phones never speak to the database; the functions' accounts pass by these rules.
resource "google_firebaserules_ruleset" "nobody" {
  project = var.project

  source {
    language = "FIREBASE_RULES"

    files {
      name    = "firestore.rules"
      content = <<-RULES
        rules_version = '2';
        service cloud.firestore {
          match /databases/{database}/documents {
            match /{document=**} {
              allow read, write: if false;
            }
          }
        }
      RULES
    }
  }
}

resource "google_firebaserules_release" "nobody" {
  project      = var.project
  name         = var.database == "(default)" ? "cloud.firestore" : "cloud.firestore/${var.database}"
  ruleset_name = google_firebaserules_ruleset.nobody.name

  depends_on = [google_firestore_database.database]
}
