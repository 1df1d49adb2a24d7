variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "function" {
  description = "The function's line in functions/functions.json."
  type = object({
    name         = string
    trigger      = string
    memory       = string
    cpu          = number
    concurrency  = number
    timeout      = number
    minInstances = number
    maxInstances = number
    roles = object({
      project = list(string)
      topics  = map(list(string))
      keys    = map(list(string))
      buckets = map(list(string))
    })
  })

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,25}[a-z0-9]$", var.function.name))
    error_message = "A function's name has 3 to 27 lower-case letters, digits and hyphens, so that its account's name fits."
  }

  validation {
    condition     = contains(["http", "pubsub"], var.function.trigger)
    error_message = "A function is called by HTTP or by Pub/Sub."
  }

  validation {
    condition     = contains(["128Mi", "256Mi", "512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi"], var.function.memory)
    error_message = "Memory is one of 128Mi, 256Mi, 512Mi, 1Gi, 2Gi, 4Gi, 8Gi, 16Gi, 32Gi."
  }

  validation {
    condition     = contains([0.083, 0.167, 0.333, 0.583, 1, 2, 4, 6, 8], var.function.cpu)
    error_message = "A function has a share of a CPU that Cloud Run knows, or 1, 2, 4, 6 or 8."
  }

  validation {
    condition     = var.function.concurrency >= 1 && var.function.concurrency <= 1000 && (var.function.concurrency == 1 || var.function.cpu >= 1)
    error_message = "More than one request at once needs a whole CPU."
  }

  validation {
    condition     = var.function.timeout >= 1 && var.function.timeout <= (var.function.trigger == "pubsub" ? 570 : 3600)
    error_message = "A function ends within an hour; one that Pub/Sub calls within 570 s, for it waits 600 s at most."
  }

  validation {
    condition     = var.function.minInstances >= 0 && var.function.maxInstances >= 1 && var.function.minInstances <= var.function.maxInstances
    error_message = "There are no fewer instances at most than at least."
  }

  validation {
    condition = alltrue([for role in concat(var.function.roles.project, flatten([
      for by in [var.function.roles.topics, var.function.roles.keys, var.function.roles.buckets] : values(by)
      ])) : can(regex("^roles/[a-z]+\\.[a-zA-Z.]+$", role)) && !contains([
      "roles/datastore.owner", "roles/storage.admin", "roles/cloudkms.admin", "roles/pubsub.admin", "roles/iam.securityAdmin",
    ], role)])
    error_message = "A function has roles for what it does, no primitive ones and none that administer."
  }
}

variable "regions" {
  description = "Where the function runs."
  type        = list(string)

  validation {
    condition     = length(var.regions) == 2 && alltrue([for r in var.regions : can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", r))])
    error_message = "A function runs in two regions of Europe."
  }
}

variable "bundle" {
  description = "The function's code: the bucket, and the object, whose name holds the SHA-256 of its content, so that other code is another name."
  type = object({
    bucket = string
    object = string
  })

  validation {
    condition     = can(regex("(^|[/.-])[0-9a-f]{64}\\.zip$", var.bundle.object))
    error_message = "A bundle's name ends with the SHA-256 of its content and .zip."
  }
}

variable "build_account" {
  description = "The service account that builds the function, by its full name. The project's default account is none."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/serviceAccounts/[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", var.build_account))
    error_message = "An account is projects/P/serviceAccounts/NAME@P.iam.gserviceaccount.com, and made for this."
  }
}

variable "rebuild" {
  description = "Raised to build the same bundle again, with the newest patch of Go that Google's builder has."
  type        = number
  default     = 0

  validation {
    condition     = var.rebuild >= 0 && floor(var.rebuild) == var.rebuild
    error_message = "Builds are counted."
  }
}

variable "environment" {
  description = "The environment of the process. No secrets: what is here can be read in the console."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !contains(["PORT", "K_SERVICE", "K_REVISION", "FUNCTION_TARGET", "CLOUD_RUN_TIMEOUT_SECONDS"], name)])
    error_message = "Names are in upper case, and some are the platform's own."
  }

  validation {
    condition     = alltrue([for name in keys(var.environment) : !can(regex("SECRET|PASSWORD|TOKEN|PRIVATE", name))])
    error_message = "A secret does not belong into the environment."
  }
}

variable "topics" {
  description = "The topics by their short names: their ids."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.function.roles.topics), keys(var.topics))) == 0
    error_message = "The function has roles on a topic that there is not."
  }
}

variable "keys" {
  description = "The keys by their short names: their full names."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.function.roles.keys), keys(var.keys))) == 0
    error_message = "The function has roles on a key that there is not."
  }
}

variable "buckets" {
  description = "The buckets by their short names: their names."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.function.roles.buckets), keys(var.buckets))) == 0
    error_message = "The function has roles on a bucket that there is not."
  }
}

variable "egress" {
  description = "Where the function's requests leave: a network, and a subnetwork for each region. Without it, by Google's changing addresses."
  type = object({
    network     = string
    subnetworks = map(string)
  })
  default = null

  validation {
    condition     = var.egress == null || length(setsubtract(var.regions, keys(try(var.egress.subnetworks, {})))) == 0
    error_message = "Every region needs a subnetwork to leave by."
  }
}
