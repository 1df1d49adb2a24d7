locals {
  requests = "resource.type=\"https_lb_rule\" AND resource.labels.url_map_name=\"ryggrad\" AND metric.type=\"loadbalancing.googleapis.com/https/request_count\""
  latency  = "resource.type=\"https_lb_rule\" AND resource.labels.url_map_name=\"ryggrad\" AND metric.type=\"loadbalancing.googleapis.com/https/total_latencies\""

  # Google's table for a budget of 28 days: 2 % of it gone in an hour wakes somebody, 5 % in six hours too, 10 % in three
  # days waits for the day. The long window knows that it matters, the short one that it still goes on.
  burns = {
    "availability-fast-burn" = { slo = "availability", rate = 13.44, long = "3600s", short = "300s", page = true }
    "availability-slow-burn" = { slo = "availability", rate = 5.6, long = "21600s", short = "1800s", page = true }
    "latency-burn"           = { slo = "latency", rate = 5.6, long = "21600s", short = "1800s", page = false }
  }
}

resource "google_monitoring_custom_service" "hub" {
  project      = var.project
  service_id   = "ryggrad"
  display_name = "Ryggrad, as its callers see it"
}

resource "google_monitoring_slo" "availability" {
  project             = var.project
  service             = google_monitoring_custom_service.hub.service_id
  slo_id              = "availability"
  display_name        = "Requests answered without a fault of ours"
  goal                = var.goal
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.requests
      bad_service_filter   = "${local.requests} AND metric.labels.response_code_class=500"
    }
  }
}

resource "google_monitoring_slo" "latency" {
  project             = var.project
  service             = google_monitoring_custom_service.hub.service_id
  slo_id              = "latency"
  display_name        = "Requests answered within a second"
  goal                = 0.99
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.latency

      range {
        max = 1000
      }
    }
  }
}

resource "google_monitoring_alert_policy" "burns" {
  for_each = local.burns

  project               = var.project
  display_name          = each.key
  combiner              = "AND"
  severity              = each.value.page ? "CRITICAL" : "WARNING"
  notification_channels = local.channels
  user_labels           = merge({ runbook = each.key }, lookup(local.customers, each.key, {}))

  dynamic "conditions" {
    for_each = [each.value.long, each.value.short]

    content {
      display_name = "${each.key} over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"projects/${var.project}/services/ryggrad/serviceLevelObjectives/${each.value.slo}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = file("${var.runbooks}/alerts/${each.key}.md")
    subject   = try(local.noticed[each.key].subject, null)
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_monitoring_slo.availability, google_monitoring_slo.latency]
}

resource "google_monitoring_uptime_check_config" "pages" {
  for_each = var.paths

  project          = var.project
  display_name     = each.key
  period           = "60s"
  timeout          = "10s"
  selected_regions = ["EUROPE", "USA", "ASIA_PACIFIC"]

  http_check {
    path         = each.value
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"

    labels = {
      project_id = var.project
      host       = var.domain
    }
  }
}
