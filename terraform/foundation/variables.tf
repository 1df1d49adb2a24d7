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

variable "project_number" {
  description = "The hub's project, by its number: Google's service agents are named by it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{6,}$", var.project_number))
    error_message = "A project's number has digits only."
  }
}

variable "backup_project_number" {
  description = "The backups' project, by its number: Google's service agents are named by it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{6,}$", var.backup_project_number))
    error_message = "A project's number has digits only."
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

variable "production" {
  description = "Whether retention is locked, for ever. Before, a mistake could still be taken back; after, nobody can shorten it."
  type        = bool
  default     = false
}

variable "hsm" {
  description = "Whether keys live in hardware security modules."
  type        = bool
  default     = false
}

variable "key_admins" {
  description = "Who manages keys: principals of IAM, none of whom uses one."
  type        = list(string)

  validation {
    condition     = alltrue([for m in var.key_admins : can(regex("^(user|group|principalSet):", m))])
    error_message = "People manage keys: users, groups or principal sets."
  }
}

variable "static_egress" {
  description = "Whether the functions' requests leave by fixed addresses, because a POS or a platform lists who may call it."
  type        = bool
  default     = false
}

variable "subnetworks" {
  description = "The ranges of the subnetworks that requests leave by, one for each region."
  type        = list(string)
  default     = ["10.16.0.0/22", "10.16.4.0/22"]

  validation {
    condition     = length(var.subnetworks) == 2 && alltrue([for r in var.subnetworks : can(cidrhost(r, 0)) && tonumber(split("/", r)[1]) <= 24])
    error_message = "Two ranges of a /24 or more: every instance takes addresses of its own."
  }
}
