variable "project" {
  description = "The hub's Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "backup_project" {
  description = "The project of the backups, of the key that wraps them, and of the witness."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.backup_project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "regions" {
  description = "The two regions that the functions run in."
  type        = list(string)
  default     = ["europe-west1", "europe-west4"]

  validation {
    condition     = length(var.regions) == 2
    error_message = "The hub runs in two regions."
  }
}

variable "status_region" {
  description = "The region of the copies of the status pages: one in which the hub does not run."
  type        = string
  default     = "europe-north1"

  validation {
    condition     = can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", var.status_region)) && !contains(var.regions, var.status_region)
    error_message = "The copies stay in the European Union, and outside the hub's own regions: they are read when those are down."
  }
}

variable "production" {
  description = "Whether retention is locked, for ever. Before, a mistake could still be taken back; after, nobody can shorten it."
  type        = bool
  default     = false
}
