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

variable "region" {
  description = "Where builds run."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", var.region))
    error_message = "Builds run in a region of Europe."
  }
}

variable "repository" {
  description = "The repository as Cloud Build is connected to it, by its full name."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "A repository is projects/P/locations/L/connections/C/repositories/R; connect it in the console first."
  }
}

variable "images" {
  description = "What the steps of a build run in, each pinned by its digest."
  type = object({
    go        = string
    terraform = string
    gcloud    = string
  })

  validation {
    condition     = alltrue([for i in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", i))])
    error_message = "An image is pinned by its digest: NAME@sha256:…"
  }
}

variable "approvers" {
  description = "Who may approve that a plan is applied: principals of IAM."
  type        = list(string)

  validation {
    condition     = length(var.approvers) > 0
    error_message = "Somebody must be able to approve."
  }
}
