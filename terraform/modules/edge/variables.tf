variable "project" {
  description = "The hub's project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "domain" {
  description = "The hub's public name. Its A and AAAA records point to the addresses that this module gives."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain is a name in lower case, without a scheme and without a path."
  }
}

variable "functions" {
  description = "The public functions by their names: their routes, as functions/functions.json writes them, and the Cloud Run service in each region."
  type = map(object({
    routes   = list(string)
    services = map(string)
  }))

  validation {
    condition     = alltrue([for f in values(var.functions) : length(f.services) == 2])
    error_message = "A public function runs in two regions."
  }

  validation {
    condition     = length(distinct(flatten([for f in values(var.functions) : f.routes]))) == length(flatten([for f in values(var.functions) : f.routes]))
    error_message = "A route belongs to two functions."
  }

  validation {
    condition     = alltrue([for r in flatten([for f in values(var.functions) : f.routes]) : can(regex("^(/(\\*|[a-zA-Z0-9._-]+))+(/\\*\\*)?$", r))])
    error_message = "A route is a path; * stands for one segment, and ** at its end for whatever follows."
  }
}

variable "fallback" {
  description = "The function that answers what no route covers, with a problem that says so."
  type        = string

  validation {
    condition     = contains(keys(var.functions), var.fallback)
    error_message = "The fallback is one of the public functions."
  }
}

variable "classes" {
  description = "Routes that are not the ordinary API: `login`, where guessing must be slow, or `webhook`, where a platform calls from few addresses and takes a refusal for an answer."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for c in values(var.classes) : contains(["login", "webhook"], c)])
    error_message = "A class is login or webhook; api is what all others are."
  }

  validation {
    condition     = length(setsubtract(keys(var.classes), flatten([for f in values(var.functions) : f.routes]))) == 0
    error_message = "A class is given to a route that no function has."
  }
}

variable "waf" {
  description = "The sets of preconfigured rules that Cloud Armor applies, of the version that Google recommends (OWASP's core rule set 4.22)."
  type        = list(string)
  default = [
    "sqli-v422-stable", "xss-v422-stable", "lfi-v422-stable", "rfi-v422-stable", "rce-v422-stable", "scannerdetection-v422-stable",
    "protocolattack-v422-stable", "sessionfixation-v422-stable", "java-v422-stable", "generic-v422-stable",
  ]

  validation {
    condition = length(var.waf) > 0 && length(var.waf) <= 20 && alltrue([for name in var.waf : contains([
      "sqli", "xss", "lfi", "rfi", "rce", "scannerdetection", "protocolattack", "php", "sessionfixation", "java", "generic",
    ], trimsuffix(trimsuffix(name, "-v422-stable"), "-v422-canary")) && can(regex("-v422-(stable|canary)$", name))])
    error_message = "These are no sets that Cloud Armor has, or not for this API: methodenforcement would refuse PUT, PATCH and DELETE."
  }
}

variable "waf_preview" {
  description = "Whether the rules only log what they would refuse on the API too. On webhooks they always do."
  type        = bool
  default     = false
}

variable "requests_per_minute" {
  description = "How many requests one address may send in a minute, by class. Webhooks have no such limit: the function limits each link."
  type = object({
    api   = number
    login = number
  })
  default = {
    api   = 6000
    login = 60
  }

  validation {
    condition     = var.requests_per_minute.login >= 10 && var.requests_per_minute.login <= 300 && var.requests_per_minute.api >= 600 && var.requests_per_minute.login < var.requests_per_minute.api
    error_message = "Logins take 10 to 300 requests in a minute, the API 600 or more."
  }
}

variable "log_share" {
  description = "The share of requests that the load balancer logs."
  type        = number
  default     = 1

  validation {
    condition     = var.log_share > 0 && var.log_share <= 1
    error_message = "A share is more than 0 and at most 1."
  }
}
