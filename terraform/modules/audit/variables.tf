variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "witness_project" {
  description = "The project that keeps the witness: whoever rewrites the hub's log must not reach it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.witness_project)) && var.witness_project != var.project
    error_message = "The witness is kept in another project than the hub's."
  }
}

variable "location" {
  description = "Where the witness is kept."
  type        = string
  default     = "eu"

  validation {
    condition     = var.location == "eu" || can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", var.location))
    error_message = "The witness stays in the European Union: eu, or a region of Europe."
  }
}

variable "keep_days" {
  description = "For how many days the witness is kept."
  type        = number
  default     = 400

  validation {
    condition     = var.keep_days >= 400 && var.keep_days <= 3650
    error_message = "The witness is kept for 400 days at least: an intrusion is often found months later."
  }
}

variable "locked" {
  description = "Whether its retention is locked for ever. True in production."
  type        = bool
}
