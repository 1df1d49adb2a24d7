provider "google" {
  project = "hub-example"
}

variables {
  project = "hub-example"
  regions = ["europe-west1", "europe-west4"]
  function = {
    name = "orders", trigger = "http", memory = "512Mi", cpu = 1, concurrency = 80, timeout = 30, minInstances = 1, maxInstances = 100
    roles = {
      project = ["roles/datastore.user"]
      topics  = { events = ["roles/pubsub.publisher"] }
      keys    = { tenant-keys = ["roles/cloudkms.cryptoKeyEncrypterDecrypter"] }
      buckets = { audit = ["roles/storage.objectViewer", "roles/storage.objectCreator"] }
    }
  }
  bundle        = { bucket = "hub-example-bundles", object = "orders/0000000000000000000000000000000000000000000000000000000000000000.zip" }
  build_account = "projects/hub-example/serviceAccounts/builder@hub-example.iam.gserviceaccount.com"
  environment   = { RYGGRAD_BASE_URL = "https://hub.example.com" }
  topics        = { events = "projects/hub-example/topics/events" }
  keys          = { tenant-keys = "projects/hub-example/locations/europe/keyRings/ryggrad/cryptoKeys/tenant-keys" }
  buckets       = { audit = "hub-example-audit" }
}

run "what_is_planned_holds" {
  command = plan

  # It runs in two regions under its own account.
  assert {
    condition     = length(google_cloudfunctions2_function.function) == 2
    error_message = "It runs in two regions."
  }

  assert {
    condition = alltrue([for f in google_cloudfunctions2_function.function :
    f.service_config[0].service_account_email == "fn-orders@hub-example.iam.gserviceaccount.com"])
    error_message = "It runs under an account that is not its own."
  }

  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.function : f.build_config[0].runtime == "go126" && f.build_config[0].entry_point == "orders"])
    error_message = "The builder would not find it."
  }

  # Only the load balancer reaches what is public.
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.function : f.service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"])
    error_message = "It could be reached around the load balancer."
  }

  # It may what its line says and no more.
  assert {
    condition     = toset([for m in google_project_iam_member.project : m.role]) == toset(["roles/datastore.user", "roles/telemetry.writer"])
    error_message = "Its roles in the project are others."
  }

  assert {
    condition     = toset([for m in google_storage_bucket_iam_member.buckets : "${m.bucket} ${m.role}"]) == toset(["hub-example-audit roles/storage.objectViewer", "hub-example-audit roles/storage.objectCreator"])
    error_message = "Its roles on buckets are others."
  }

  assert {
    condition     = length(google_kms_crypto_key_iam_member.keys) == 1 && length(google_pubsub_topic_iam_member.topics) == 1
    error_message = "Its roles on keys or topics are others."
  }

  # The same code can be built again.
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.function : f.build_config[0].environment_variables["RYGGRAD_REBUILD"] == "0"])
    error_message = "A repaired Go would not reach what runs."
  }

  # The process knows its timeout.
  assert {
    condition = alltrue([for f in google_cloudfunctions2_function.function :
    f.service_config[0].environment_variables["CLOUD_RUN_TIMEOUT_SECONDS"] == "30" && f.service_config[0].timeout_seconds == 30])
    error_message = "The process and the platform end at different times."
  }
}

run "what_pubsub_calls_is_internal_and_nobody_is_invited" {
  command = plan

  variables {
    function = {
      name  = "relay", trigger = "pubsub", memory = "256Mi", cpu = 1, concurrency = 1, timeout = 50, minInstances = 0, maxInstances = 1
      roles = { project = [], topics = {}, keys = {}, buckets = {} }
    }
  }

  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.function : f.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"])
    error_message = "It could be reached from outside."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.callers) == 0
    error_message = "It invites callers."
  }
}

run "it_leaves_by_its_own_network_when_told" {
  command = plan

  variables {
    egress = { network = "egress", subnetworks = { europe-west1 = "a", europe-west4 = "b" } }
  }

  assert {
    condition     = google_cloudfunctions2_function.function["europe-west4"].service_config[0].direct_vpc_network_interface[0].subnetwork == "b"
    error_message = "It leaves by another way."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["europe-west1"].service_config[0].direct_vpc_egress == "VPC_EGRESS_ALL_TRAFFIC"
    error_message = "Some of it leaves by another way."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # A region without a way out is refused.
    egress = { network = "egress", subnetworks = { europe-west1 = "a" } }

    # A bucket that is not there is refused.
    buckets = {}

    # A bundle without its hash is refused.
    bundle = { bucket = "hub-example-bundles", object = "orders.zip" }

    # A default account that builds is refused.
    build_account = "projects/hub-example/serviceAccounts/123456-compute@developer.gserviceaccount.com"

    # A secret in the environment is refused.
    environment = { RYGGRAD_CLIENT_SECRET = "x" }
  }

  expect_failures = [var.egress, var.buckets, var.bundle, var.build_account, var.environment]
}

run "many_requests_on_a_part_of_a_cpu_are_refused" {
  command = plan

  variables {
    function = {
      name  = "orders", trigger = "http", memory = "512Mi", cpu = 0.583, concurrency = 2, timeout = 30, minInstances = 1, maxInstances = 100
      roles = { project = [], topics = {}, keys = {}, buckets = {} }
    }
  }

  expect_failures = [var.function]
}

run "a_primitive_role_is_refused" {
  command = plan

  variables {
    function = {
      name  = "orders", trigger = "http", memory = "512Mi", cpu = 1, concurrency = 80, timeout = 30, minInstances = 1, maxInstances = 100
      roles = { project = ["roles/editor"], topics = {}, keys = {}, buckets = {} }
    }
  }

  expect_failures = [var.function]
}

run "memory_that_is_no_size_is_refused" {
  command = plan

  variables {
    function = {
      name  = "orders", trigger = "http", memory = "512mb", cpu = 1, concurrency = 80, timeout = 30, minInstances = 1, maxInstances = 100
      roles = { project = [], topics = {}, keys = {}, buckets = {} }
    }
  }

  expect_failures = [var.function]
}
