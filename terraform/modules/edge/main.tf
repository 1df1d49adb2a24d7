locals {
  class = { for r in flatten([for f in values(var.functions) : f.routes]) : r => lookup(var.classes, r, "api") }

  # A function has one backend for each class of its routes: what protects it differs.
  backends = merge([for name, f in var.functions : {
    for class in distinct([for r in f.routes : local.class[r]]) : (class == "api" ? name : "${name}-${class}") => { function = name, class = class }
  }]...)
  backend_of = merge([for name, f in var.functions : {
    for r in f.routes : r => local.class[r] == "api" ? name : "${name}-${local.class[r]}"
  }]...)

  # The longest route wins.
  ordered = [for line in reverse(sort([for r in keys(local.class) : format("%04d %s", length(r), r)])) : substr(line, 5, -1)]

  endpoints = merge([for name, f in var.functions : {
    for region, service in f.services : "${name}-${region}" => { function = name, region = region, service = service }
  }]...)
}

resource "google_compute_region_network_endpoint_group" "services" {
  for_each = local.endpoints

  project               = var.project
  name                  = each.key
  region                = each.value.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

# Serverless backends have no health checks: a region that fails is left out because its answers are errors.
resource "google_compute_backend_service" "backends" {
  for_each = local.backends

  project               = var.project
  name                  = each.key
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.policies[each.value.class].id

  dynamic "backend" {
    for_each = { for key, e in local.endpoints : key => e if e.function == each.value.function }

    content {
      group = google_compute_region_network_endpoint_group.services[backend.key].id
    }
  }

  outlier_detection {
    consecutive_errors           = 5
    enforcing_consecutive_errors = 100
    max_ejection_percent         = 50

    interval {
      seconds = 1
    }

    base_ejection_time {
      seconds = 30
    }
  }

  log_config {
    enable      = true
    sample_rate = var.log_share
  }

  # A function that goes leaves the routes before its backend does, which cannot be deleted while a route leads to it.
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_url_map" "routes" {
  project         = var.project
  name            = "ryggrad"
  default_service = google_compute_backend_service.backends[local.fallback].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "routes"
  }

  path_matcher {
    name            = "routes"
    default_service = google_compute_backend_service.backends[local.fallback].id

    dynamic "route_rules" {
      for_each = local.ordered

      content {
        priority = route_rules.key + 1
        service  = google_compute_backend_service.backends[local.backend_of[route_rules.value]].id

        dynamic "match_rules" {
          for_each = strcontains(route_rules.value, "*") ? [route_rules.value] : []

          content {
            path_template_match = match_rules.value
          }
        }

        # The path itself, and everything below it.
        dynamic "match_rules" {
          for_each = strcontains(route_rules.value, "*") ? [] : [route_rules.value]

          content {
            full_path_match = match_rules.value
          }
        }

        dynamic "match_rules" {
          for_each = strcontains(route_rules.value, "*") ? [] : [route_rules.value]

          content {
            prefix_match = "${match_rules.value}/"
          }
        }
      }
    }
  }
}

locals {
  fallback = contains(keys(local.backends), var.fallback) ? var.fallback : [for key, b in local.backends : key if b.function == var.fallback][0]
}
