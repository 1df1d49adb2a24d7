variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "database" {
  description = "The database's id."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "A database's id is (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "location" {
  description = "Where the database is."
  type        = string
  default     = "eur3"

  validation {
    condition     = var.location == "eur3"
    error_message = "The database lives in eur3: it outlives the loss of a region and stays in the European Union."
  }
}

variable "key" {
  description = "The full name of the key that encrypts the database."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/locations/europe/keyRings/[^/]+/cryptoKeys/[^/]+$", var.key))
    error_message = "A database in eur3 is encrypted by a key in the location europe."
  }
}

variable "collections" {
  description = "The collections, as shared/collections.json lists them."
  type = list(object({
    name    = string
    ttl     = string
    single  = list(string)
    indexes = list(list(string))
  }))

  validation {
    condition     = length(distinct([for c in var.collections : c.name])) == length(var.collections)
    error_message = "A collection is listed twice."
  }

  validation {
    condition     = alltrue(flatten([for c in var.collections : [for x in c.indexes : length(x) >= 2]]))
    error_message = "A composite index has two fields or more; one field is what single is for."
  }

  validation {
    condition     = alltrue(flatten([for c in var.collections : [for x in c.indexes : [for f in x : can(regex("^-?[a-zA-Z][a-zA-Z0-9_.]*(\\[\\])?$", f))]]]))
    error_message = "A field of an index is a path, with - before it for descending or [] after it for array-contains."
  }

  validation {
    condition     = alltrue([for c in var.collections : c.ttl == "" || !contains(c.single, c.ttl)])
    error_message = "A time by which documents expire is not searched: its index would be a hot spot."
  }
}
