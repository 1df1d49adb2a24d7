locals {
  # Ten rule sets at most, each with a number of its own.
  waf = { for i, name in var.waf : name => 1000 + i }

  throttles = {
    api     = var.requests_per_minute.api
    login   = var.requests_per_minute.login
    webhook = 0
  }
}

resource "google_compute_security_policy" "policies" {
  for_each = toset(values(local.class))

  project     = var.project
  name        = "ryggrad-${each.value}"
  description = "What reaches the hub's ${each.value} routes"
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD"
    log_level    = "NORMAL"
  }

  dynamic "rule" {
    for_each = local.waf

    content {
      action      = "deny(403)"
      priority    = rule.value
      description = rule.key
      preview     = each.value == "webhook" || var.waf_preview

      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.key}', {'sensitivity': 1})"
        }
      }
    }
  }

  dynamic "rule" {
    for_each = local.throttles[each.value] > 0 ? [local.throttles[each.value]] : []

    content {
      action      = "throttle"
      priority    = 2000
      preview     = false
      description = "Requests of one address in a minute"

      match {
        versioned_expr = "SRC_IPS_V1"

        config {
          src_ip_ranges = ["*"]
        }
      }

      rate_limit_options {
        conform_action = "allow"
        exceed_action  = "deny(429)"
        enforce_on_key = "IP"

        rate_limit_threshold {
          count        = rule.value
          interval_sec = 60
        }
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    preview     = false
    description = "Everything else"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
