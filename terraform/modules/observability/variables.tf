variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "number" {
  description = "The hub's project, by its number: Monitoring's service agent is named by it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{6,}$", var.number))
    error_message = "A project's number has digits only."
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

variable "topic" {
  description = "The id of the topic that alerts are published on, for the function `alerts`."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/topics/[^/]+$", var.topic))
    error_message = "A topic's id is projects/P/topics/T."
  }
}

variable "people" {
  description = "Addresses that alerts are mailed to as well. Without one, nobody hears of a hub that is down."
  type        = list(string)

  validation {
    condition     = length(var.people) > 0 && alltrue([for p in var.people : can(regex("^[^@\\s]+@[^@\\s]+\\.[a-z]+$", p))])
    error_message = "Somebody must be told: one e-mail address or more."
  }
}

variable "schedules" {
  description = "The functions that run by themselves: their cron lines, in UTC."
  type        = map(string)

  validation {
    condition     = alltrue([for line in values(var.schedules) : length(split(" ", line)) == 5])
    error_message = "A schedule has five fields."
  }
}

variable "subscriptions" {
  description = "The functions that Pub/Sub calls, each by a subscription of its name."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.subscriptions : can(regex("^[a-z][a-z-]*$", name))])
    error_message = "A function's name has lower-case letters and hyphens."
  }
}

variable "instances" {
  description = "How many instances each function may have at most in a region."
  type        = map(number)

  validation {
    condition     = alltrue([for n in values(var.instances) : n >= 1])
    error_message = "A function has an instance at least."
  }
}

variable "paths" {
  description = "Public pages that are asked for from outside, by a short name. None needs a credential."
  type        = map(string)

  validation {
    condition     = length(var.paths) > 0 && alltrue([for p in values(var.paths) : startswith(p, "/")])
    error_message = "Something must be watched from outside, by its path."
  }
}

variable "metrics" {
  description = "What alerts count in the functions' log, as functions/metrics.json lists it: lines of some constant messages, or the value of a field of them."
  type = list(object({
    name     = string
    value    = string
    messages = list(string)
    about    = string
  }))

  validation {
    condition     = alltrue([for m in var.metrics : can(regex("^[a-z][a-z_]*$", m.name)) && length(m.messages) > 0])
    error_message = "A metric has a name of small letters and a message at least."
  }
}

variable "goal" {
  description = "The share of requests that must be answered without a fault of ours in 28 days: at least the floor that customers are promised, 99.9 %."
  type        = number
  default     = 0.9995

  validation {
    condition     = var.goal >= 0.999 && var.goal < 1
    error_message = "The floor is 99.9 %, and nothing is always up."
  }
}

variable "runbooks" {
  description = "The folder of the runbooks: alerts/NAME.md for each alert."
  type        = string

  validation {
    condition     = length(fileset(var.runbooks, "alerts/*.md")) > 0
    error_message = "There are no runbooks."
  }
}
