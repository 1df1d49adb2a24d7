variables {
  functions = { for f in jsondecode(file("../../functions/functions.json")).functions : f.name => { sha256 = sha256(f.name) } }
}

run "what_is_planned_holds" {
  command = plan

  # Everything that is built is deployed.
  assert {
    condition     = toset(keys(local.built)) == toset([for f in jsondecode(file("../../functions/functions.json")).functions : f.name if !f.coming])
    error_message = "A function is missing, or one is deployed that is not built."
  }

  assert {
    condition     = toset(keys(module.functions)) == toset(keys(local.built))
    error_message = "A function is missing."
  }

  # Every route leads somewhere.
  assert {
    condition     = length(output.routes) == length(flatten([for f in values(local.public) : f.routes]))
    error_message = "A route is missing at the load balancer."
  }

  # Platforms are not refused and guessing is slow.
  assert {
    condition     = local.classes["/v1/channels/*/*/**"] == "webhook" && local.classes["/v1/oauth"] == "login" && local.classes["/v1/sessions"] == "login"
    error_message = "A route that is not the ordinary API is treated as one."
  }

  # Alerts have a topic even before their function.
  assert {
    condition     = contains(keys(module.messaging.topics), "alerts")
    error_message = "Monitoring would have nowhere to tell."
  }

  # Whoever is no function is seen at the data.
  assert {
    condition     = alltrue([for c in google_project_iam_audit_config.data : length(c.audit_log_config) == 3]) && toset(keys(google_project_iam_audit_config.data)) == toset(["datastore.googleapis.com", "storage.googleapis.com"])
    error_message = "Reading the database or the buckets goes unseen."
  }

  # The functions know where things are.
  assert {
    condition     = output.environment["RYGGRAD_KEY_RING"] == "projects/hub-example/locations/europe/keyRings/ryggrad" && output.environment["RYGGRAD_BASE_URL"] == "https://hub.example.com"
    error_message = "The functions would look elsewhere."
  }

  assert {
    condition     = strcontains(output.exports, "export RYGGRAD_BASE_URL='https://hub.example.com'\n") && strcontains(output.exports, "export GOOGLE_CLOUD_PROJECT='hub-example'")
    error_message = "An operator's command line would look elsewhere."
  }

  assert {
    condition     = output.environment["RYGGRAD_TRUSTED_HOPS"] == "2"
    error_message = "Every caller would have the load balancer's address."
  }
}

run "the_other_region_takes_over" {
  command = plan

  variables {
    active_region = "europe-west4"
  }

  assert {
    condition     = module.names.active_region == "europe-west4"
    error_message = "It would stay where it was."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # A region that the hub is not in cannot take over.
    active_region = "europe-north1"

    # Environment of strangers is refused.
    environment = { PATH = "/" }

    # A bundle without a hash is refused.
    functions = { orders = { sha256 = "latest" } }
  }

  expect_failures = [var.active_region, var.environment, var.functions]
}
