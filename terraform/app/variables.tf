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

variable "regions" {
  description = "The two regions that the functions run in."
  type        = list(string)
  default     = ["europe-west1", "europe-west4"]

  validation {
    condition     = length(var.regions) == 2
    error_message = "The hub runs in two regions."
  }
}

variable "active_region" {
  description = "The region whose functions take messages and whose scheduler ticks. Changed when that region is lost."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = contains(var.regions, var.active_region)
    error_message = "The active region is one of the hub's regions."
  }
}

variable "domain" {
  description = "The hub's public name."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain is a name in lower case, without a scheme and without a path."
  }
}

variable "functions" {
  description = "The functions' bundles, as scripts/bundle lists them: -var-file=DIR/bundles.json. Each was uploaded under its SHA-256."
  type = map(object({
    sha256 = string
  }))

  validation {
    condition     = alltrue([for f in values(var.functions) : can(regex("^[0-9a-f]{64}$", f.sha256))])
    error_message = "A SHA-256 has 64 hexadecimal digits in lower case."
  }
}

variable "build_account" {
  description = "The account that builds functions, by its full name; the root bootstrap tells it."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/serviceAccounts/delivery-builder@", var.build_account))
    error_message = "Functions are built by the account that bootstrap made."
  }
}

variable "rebuild" {
  description = "Raised to build every function again from the same bundles, after a vulnerability in Go itself was repaired."
  type        = number
  default     = 0

  validation {
    condition     = var.rebuild >= 0 && floor(var.rebuild) == var.rebuild
    error_message = "Builds are counted."
  }
}

variable "backup_recipient" {
  description = "The public half of the offline key to which backups are sealed too, as the operator's command writes it. The other half is kept on paper or in a safe, never here."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+/=.:-]{20,}$", var.backup_recipient))
    error_message = "A recipient is the public key in one word."
  }
}

variable "people" {
  description = "Addresses that alerts are mailed to."
  type        = list(string)

  validation {
    condition     = length(var.people) > 0
    error_message = "Somebody must be told."
  }
}

variable "static_egress" {
  description = "Whether requests leave by the fixed addresses that foundation made."
  type        = bool
  default     = false
}

variable "waf_preview" {
  description = "Whether the firewall's rules only log on the API too, as in the first week."
  type        = bool
  default     = false
}

variable "environment" {
  description = "More of the functions' environment, such as limits: names that their configuration reads, and no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : startswith(name, "RYGGRAD_")])
    error_message = "The hub's own variables begin with RYGGRAD_."
  }
}
