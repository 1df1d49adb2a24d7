variables {
  functions = { for f in jsondecode(file("../../functions/functions.json")).functions : f.name => { sha256 = sha256(f.name) } }
}

run "everything_that_is_built_is_deployed" {
  command = plan

  assert {
    condition     = toset(keys(local.built)) == toset([for f in jsondecode(file("../../functions/functions.json")).functions : f.name if !f.coming])
    error_message = "A function is missing, or one is deployed that is not built."
  }

  assert {
    condition     = toset(keys(module.functions)) == toset(keys(local.built))
    error_message = "A function is missing."
  }
}

run "every_route_leads_somewhere" {
  command = plan

  assert {
    condition     = length(output.routes) == length(flatten([for f in values(local.public) : f.routes]))
    error_message = "A route is missing at the load balancer."
  }
}

run "platforms_are_not_refused_and_guessing_is_slow" {
  command = plan

  assert {
    condition     = local.classes["/v1/channels/*/*/**"] == "webhook" && local.classes["/v1/oauth"] == "login" && local.classes["/v1/sessions"] == "login"
    error_message = "A route that is not the ordinary API is treated as one."
  }
}

run "alerts_have_a_topic_even_before_their_function" {
  command = plan

  assert {
    condition     = contains(keys(module.messaging.topics), "alerts")
    error_message = "Monitoring would have nowhere to tell."
  }
}

run "the_functions_know_where_things_are" {
  command = plan

  assert {
    condition     = output.environment["RYGGRAD_KEY_RING"] == "projects/hub-example/locations/europe/keyRings/ryggrad" && output.environment["RYGGRAD_BASE_URL"] == "https://hub.example.com"
    error_message = "The functions would look elsewhere."
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

run "a_region_that_the_hub_is_not_in_cannot_take_over" {
  command = plan

  variables {
    active_region = "europe-north1"
  }

  expect_failures = [var.active_region]
}

run "environment_of_strangers_is_refused" {
  command = plan

  variables {
    environment = { PATH = "/" }
  }

  expect_failures = [var.environment]
}

run "a_bundle_without_a_hash_is_refused" {
  command = plan

  variables {
    functions = { orders = { sha256 = "latest" } }
  }

  expect_failures = [var.functions]
}
