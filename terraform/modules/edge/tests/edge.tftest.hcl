provider "google" {
  project = "hub-example"
}

variables {
  project = "hub-example"
  domain  = "hub.example.com"
  functions = {
    orders = {
      routes   = ["/v1/orders", "/v1/channels/*/*/**"]
      services = { europe-west1 = "orders", europe-west4 = "orders" }
    }
    auth = {
      routes   = ["/v1/channels", "/v1/oauth", "/.well-known/jwks.json"]
      services = { europe-west1 = "auth", europe-west4 = "auth" }
    }
  }
  fallback = "orders"
  classes  = { "/v1/channels/*/*/**" = "webhook", "/v1/oauth" = "login" }
}

run "what_is_planned_holds" {
  command = plan

  # Every backend has two regions.
  assert {
    condition     = toset(keys(google_compute_backend_service.backends)) == toset(["orders", "orders-webhook", "auth", "auth-login"])
    error_message = "The backends are others."
  }

  assert {
    condition     = toset([for e in google_compute_region_network_endpoint_group.services : "${e.cloud_run[0].service} ${e.region}"]) == toset(["orders europe-west1", "orders europe-west4", "auth europe-west1", "auth europe-west4"])
    error_message = "A function cannot be reached in one of its regions."
  }

  assert {
    condition     = alltrue([for b in google_compute_backend_service.backends : b.outlier_detection[0].consecutive_errors == 5])
    error_message = "A backend keeps a region that fails."
  }

  # The longest route wins.
  assert {
    condition     = index(output.routes, "/v1/channels/*/*/** orders-webhook") < index(output.routes, "/v1/channels auth")
    error_message = "A platform's webhook would reach the administration of links."
  }

  assert {
    condition     = length(google_compute_url_map.routes.path_matcher[0].route_rules) == 5 && length(distinct([for r in google_compute_url_map.routes.path_matcher[0].route_rules : r.priority])) == 5
    error_message = "A route is missing, or two have the same rank."
  }

  # A route covers its path and what is below.
  assert {
    condition = anytrue([for r in google_compute_url_map.routes.path_matcher[0].route_rules :
    toset([for m in r.match_rules : coalesce(m.full_path_match, m.prefix_match, m.path_template_match)]) == toset(["/v1/orders", "/v1/orders/"])])
    error_message = "A path below a route would not be found, or one beside it would."
  }

  # Webhooks are watched and never refused.
  assert {
    condition     = alltrue([for r in google_compute_security_policy.policies["webhook"].rule : r.action == "allow" || r.preview])
    error_message = "A platform could be refused at the edge."
  }

  # The api is protected.
  assert {
    condition     = length([for r in google_compute_security_policy.policies["api"].rule : r if r.action == "deny(403)" && !r.preview]) == 10
    error_message = "Known attacks come through."
  }

  assert {
    condition     = one([for r in google_compute_security_policy.policies["login"].rule : r if r.action == "throttle"]).rate_limit_options[0].rate_limit_threshold[0].count == 60
    error_message = "Passwords can be guessed quickly."
  }

  assert {
    condition     = alltrue([for p in google_compute_security_policy.policies : length([for r in p.rule : r if r.priority == 2147483647 && r.action == "allow"]) == 1])
    error_message = "A policy has no last rule."
  }

  # Connections are modern.
  assert {
    condition     = google_compute_ssl_policy.modern.profile == "RESTRICTED" && google_compute_ssl_policy.modern.min_tls_version == "TLS_1_2"
    error_message = "Old TLS is taken."
  }

  assert {
    condition     = google_compute_url_map.redirect.default_url_redirect[0].https_redirect && google_compute_url_map.redirect.default_url_redirect[0].redirect_response_code == "PERMANENT_REDIRECT"
    error_message = "Plain HTTP is served."
  }

  assert {
    condition     = toset([for f in google_compute_global_forwarding_rule.secure : f.port_range]) == toset(["443"]) && length(google_compute_global_forwarding_rule.secure) == 2
    error_message = "The hub does not listen on both versions of IP."
  }
}

run "one_region_is_refused" {
  command = plan

  variables {
    functions = { orders = { routes = ["/v1/orders"], services = { europe-west1 = "orders" } } }
    classes   = {}
  }

  expect_failures = [var.functions]
}

run "a_route_of_two_functions_is_refused" {
  command = plan

  variables {
    functions = {
      orders = { routes = ["/v1/orders"], services = { europe-west1 = "a", europe-west4 = "a" } }
      auth   = { routes = ["/v1/orders"], services = { europe-west1 = "b", europe-west4 = "b" } }
    }
    classes = {}
  }

  expect_failures = [var.functions]
}

run "what_is_refused" {
  command = plan

  variables {
    # Rule sets that are not there are refused.
    waf = ["sqli-v99-stable"]

    # A class for no route is refused.
    classes = { "/v1/nowhere" = "login" }

    # A domain with a scheme is refused.
    domain = "https://hub.example.com"
  }

  expect_failures = [var.waf, var.classes, var.domain]
}

run "a_rule_set_that_refuses_our_own_methods_is_refused" {
  command = plan

  variables {
    waf = ["methodenforcement-v422-stable"]
  }

  expect_failures = [var.waf]
}
