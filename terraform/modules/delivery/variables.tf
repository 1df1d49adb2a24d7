variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Where Cloud Build runs, and where bundles and plans are."
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

variable "branch" {
  description = "The branch that is deployed."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch))
    error_message = "A branch is named, not described by a pattern."
  }
}

variable "names" {
  description = "The names of the buckets that this module makes: for the functions' bundles and for saved plans; and that of Terraform's states."
  type = object({
    bundles = string
    plans   = string
    states  = string
  })

  validation {
    condition     = alltrue([for n in values(var.names) : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", n))])
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "images" {
  description = "What the steps run in, each pinned by its digest: a Go image, Terraform's and the Cloud SDK's. `gcloud artifacts docker images describe IMAGE:TAG` tells a digest."
  type = object({
    go        = string
    terraform = string
    gcloud    = string
  })

  validation {
    condition     = alltrue([for i in values(var.images) : can(regex("^[a-z0-9][a-z0-9./_-]*(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}$", i))])
    error_message = "An image is pinned by its digest: NAME@sha256:…"
  }
}

variable "approvers" {
  description = "Who may approve that a plan is applied: principals of IAM. Whoever wrote the change should not be the one."
  type        = list(string)

  validation {
    condition     = length(var.approvers) > 0 && alltrue([for m in var.approvers : can(regex("^(user|group|principal|principalSet):", m))])
    error_message = "People approve: users, groups or principals of a federation."
  }
}

variable "apply_roles" {
  description = "The roles that the account which applies the root `app` has in the project."
  type        = list(string)
  default = [
    "roles/cloudfunctions.admin",
    "roles/cloudkms.admin",
    "roles/cloudscheduler.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.securityAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/storage.admin",
  ]

  validation {
    condition     = alltrue([for r in var.apply_roles : can(regex("^roles/[a-z]+\\.[a-zA-Z.]+$", r))])
    error_message = "No primitive role applies anything."
  }
}

variable "grantable_roles" {
  description = "The roles in the project that applying may give to a function, and no others."
  type        = set(string)

  validation {
    condition     = length(var.grantable_roles) > 0 && alltrue([for r in var.grantable_roles : can(regex("^roles/[a-z]+\\.[a-zA-Z.]+$", r)) && !can(regex("(?i)admin|owner|editor$", r))])
    error_message = "A function is given roles for its work, none that administer."
  }
}

variable "plan_roles" {
  description = "The roles that the account which plans has in the project: it reads what is deployed and no data."
  type        = list(string)
  default = [
    "roles/cloudfunctions.viewer",
    "roles/cloudkms.viewer",
    "roles/cloudscheduler.viewer",
    "roles/compute.viewer",
    "roles/iam.securityReviewer",
    "roles/iam.serviceAccountViewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
  ]

  validation {
    condition     = alltrue([for r in var.plan_roles : can(regex("^roles/[a-z]+\\.([a-zA-Z.]*[vV]iewer|securityReviewer)$", r)) && r != "roles/datastore.viewer"])
    error_message = "Planning reads, and reads no data."
  }
}

variable "federation" {
  description = "Another CI that may start builds without a key: its issuer of tokens, and the condition on them, which names one repository."
  type = object({
    issuer    = string
    condition = string
    subject   = string
  })
  default = null

  validation {
    condition     = var.federation == null || (can(regex("^https://", try(var.federation.issuer, ""))) && can(regex("==", try(var.federation.condition, ""))) && try(var.federation.subject, "") != "")
    error_message = "A federation has an issuer over HTTPS, a condition that compares, and the one subject that may start builds."
  }
}
