variable "project" {
  description = "The project that the keys belong to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "location" {
  description = "The location of Cloud KMS: the multi-region of what the keys encrypt."
  type        = string
  default     = "europe"

  validation {
    condition     = contains(["europe", "eur4", "eur5"], var.location)
    error_message = "The keys stay in the European Union, in more than one region."
  }
}

variable "ring" {
  description = "The key ring's short name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.ring))
    error_message = "A key ring's name has lower-case letters, digits and hyphens."
  }
}

variable "keys" {
  description = "The keys by their short names: what each is for and with which algorithm."
  type = map(object({
    purpose   = string
    algorithm = string
  }))

  validation {
    condition     = alltrue([for name in keys(var.keys) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "A key's name has lower-case letters, digits and hyphens."
  }

  validation {
    condition = alltrue([for k in values(var.keys) : contains([
      "ENCRYPT_DECRYPT/GOOGLE_SYMMETRIC_ENCRYPTION", "ASYMMETRIC_SIGN/EC_SIGN_P256_SHA256",
      "ASYMMETRIC_SIGN/EC_SIGN_ED25519", "MAC/HMAC_SHA256",
    ], "${k.purpose}/${k.algorithm}")])
    error_message = "A key encrypts, signs with P-256 or Ed25519, or authenticates with HMAC-SHA-256."
  }
}

variable "rotation_days" {
  description = "After how many days a key that encrypts gets a new version."
  type        = number
  default     = 90

  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 90
    error_message = "Keys rotate within 90 days."
  }
}

variable "destruction_days" {
  description = "For how many days a version whose destruction was asked for can still be brought back."
  type        = number
  default     = 90

  validation {
    condition     = var.destruction_days >= 30 && var.destruction_days <= 120
    error_message = "Cloud KMS takes up to 120 days; less than 30 leave no time to notice."
  }
}

variable "hsm" {
  description = "Whether the keys live in hardware security modules."
  type        = bool
  default     = false
}

variable "admins" {
  description = "Who manages the keys: principals of IAM. None of them may use one."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for m in var.admins : can(regex("^(user|group|serviceAccount|principalSet):", m))])
    error_message = "An administrator is a user, a group, a service account or a principal set."
  }
}

variable "service_agents" {
  description = "Which of Google's own services encrypt with which key: key, then the members. Functions get theirs where they are made."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.service_agents), keys(var.keys))) == 0
    error_message = "A service can only use a key that there is."
  }

  validation {
    condition = alltrue([for m in flatten(values(var.service_agents)) :
    can(regex("^serviceAccount:service-[0-9]+@", m))])
    error_message = "These are service agents of Google, not accounts of one's own."
  }

  validation {
    condition     = length(setintersection(flatten(values(var.service_agents)), var.admins)) == 0
    error_message = "Whoever manages a key never uses it."
  }
}
