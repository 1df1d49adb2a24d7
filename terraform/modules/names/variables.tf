variable "project" {
  description = "The hub's Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "backup_project" {
  description = "The project of the backups and of the key that wraps them. Whoever can destroy the hub must not be able to destroy this."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.backup_project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = var.backup_project != var.project
    error_message = "Backups live in a project of their own."
  }
}

variable "regions" {
  description = "Where the functions run. Both are in the European Union and inside Firestore's eur3 or beside it."
  type        = list(string)
  default     = ["europe-west1", "europe-west4"]

  validation {
    condition     = length(var.regions) == 2 && length(distinct(var.regions)) == 2
    error_message = "The hub runs in two regions, no more and no fewer."
  }

  validation {
    condition = alltrue([for r in var.regions : contains([
      "europe-central2", "europe-north1", "europe-southwest1", "europe-west1", "europe-west3", "europe-west4", "europe-west8", "europe-west9",
    ], r)])
    error_message = "These are not regions of Google Cloud in the European Union of which a bucket can have two."
  }
}

variable "active_region" {
  description = "The region whose functions take messages and whose scheduler ticks. The other one takes over when it is lost."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = contains(var.regions, var.active_region)
    error_message = "The active region is one of the hub's regions."
  }
}
