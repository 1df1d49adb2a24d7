variable "project" {
  description = "The project that the buckets belong to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "regions" {
  description = "The two regions that hold every object."
  type        = list(string)

  validation {
    condition     = length(var.regions) == 2 && alltrue([for r in var.regions : can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", r))])
    error_message = "An object is in two regions of Europe."
  }
}

variable "buckets" {
  description = "The buckets by their short names: full name, for how many days an object can be neither replaced nor deleted, after how many it is deleted (0: never), whether an erasure depends on its being gone then, and after how many it may be kept where reading costs more (0: never)."
  type = map(object({
    name        = string
    keep_days   = number
    delete_days = number
    erasable    = bool
    cold_days   = optional(number, 0)
  }))

  validation {
    condition     = alltrue([for b in values(var.buckets) : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", b.name))])
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for b in values(var.buckets) : b.keep_days >= 1 && b.keep_days <= 3650])
    error_message = "Everything is kept for a day at least: a bucket without retention can be emptied by whoever gets in."
  }

  validation {
    condition     = alltrue([for b in values(var.buckets) : b.delete_days == 0 || b.delete_days >= b.keep_days])
    error_message = "An object cannot be deleted before its retention has ended."
  }

  validation {
    condition     = alltrue([for b in values(var.buckets) : !b.erasable || (b.delete_days > 0 && b.delete_days <= 35)])
    error_message = "What an erasure waits for is gone after 35 days: the trust page promises it."
  }
}

variable "key" {
  description = "The full name of the key that encrypts the objects."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/locations/europe/keyRings/[^/]+/cryptoKeys/[^/]+$", var.key))
    error_message = "Objects in two regions of Europe are encrypted by a key in the location europe."
  }
}

variable "locked" {
  description = "Whether retention is locked for ever. True in production; before that, a mistake could never be taken back."
  type        = bool
}
