variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
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
  description = "Where messages may be kept."
  type        = list(string)

  validation {
    condition     = length(var.regions) >= 1 && alltrue([for r in var.regions : can(regex("^europe-(central|north|southwest|west)[0-9]{1,2}$", r))])
    error_message = "Messages stay in regions of Europe."
  }
}

variable "active_region" {
  description = "The region whose functions take the messages and whose scheduler ticks."
  type        = string

  validation {
    condition     = contains(var.regions, var.active_region)
    error_message = "The active region is one of the regions."
  }
}

variable "topics" {
  description = "Topics that no subscription of this table reads, but that functions or Google's services publish to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for t in var.topics : can(regex("^[a-z][a-z0-9-]{2,62}$", t))])
    error_message = "A topic's name has lower-case letters, digits and hyphens."
  }
}

variable "subscriptions" {
  description = "Who takes messages, by the function's name: from which topic, how long one may take (seconds), and the cron line in UTC on which a message comes by itself, or nothing."
  type = map(object({
    topic    = string
    timeout  = number
    schedule = string
  }))

  validation {
    condition     = alltrue([for s in values(var.subscriptions) : can(regex("^[a-z][a-z0-9-]{2,62}$", s.topic))])
    error_message = "A topic's name has lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for s in values(var.subscriptions) : s.timeout >= 1 && s.timeout <= 570])
    error_message = "Pub/Sub waits 600 s at most, and a little must be left for the way."
  }

  validation {
    condition = alltrue([for s in values(var.subscriptions) : s.schedule == "" || can(regex(join(" ", [
      "^(\\*(/([1-9]|[1-5][0-9]))?|([0-9]|[1-5][0-9])(,([0-9]|[1-5][0-9]))*)",
      "(\\*(/([1-9]|1[0-9]|2[0-3]))?|([0-9]|1[0-9]|2[0-3])(,([0-9]|1[0-9]|2[0-3]))*)",
      "(\\*|[1-9]|[12][0-9]|3[01])",
      "(\\*|[1-9]|1[0-2])",
      "(\\*|[0-6])$",
    ]), s.schedule))])
    error_message = "A schedule is five fields of cron: minute, hour, day, month, weekday; each a star, a number, a list, or for minutes and hours a step."
  }
}

variable "endpoints" {
  description = "The functions' own addresses in the active region, by the function's name, and the Cloud Run service that answers there."
  type = map(object({
    uri     = string
    service = string
  }))

  validation {
    condition     = toset(keys(var.endpoints)) == toset(keys(var.subscriptions))
    error_message = "Every function that takes messages has an address, and no other."
  }
}

variable "max_attempts" {
  description = "How often a message is delivered before it is put aside."
  type        = number
  default     = 100

  validation {
    condition     = var.max_attempts >= 5 && var.max_attempts <= 100
    error_message = "Pub/Sub takes 5 to 100 attempts."
  }
}
