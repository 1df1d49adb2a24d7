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

run "it_runs_in_two_regions_under_its_own_account" {
  command = plan

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
}

run "only_the_load_balancer_reaches_what_is_public" {
  command = plan

  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.function : f.service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"])
    error_message = "It could be reached around the load balancer."
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

run "it_may_what_its_line_says_and_no_more" {
  command = plan

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
}

run "the_process_knows_its_timeout" {
  command = plan

  assert {
    condition = alltrue([for f in google_cloudfunctions2_function.function :
    f.service_config[0].environment_variables["CLOUD_RUN_TIMEOUT_SECONDS"] == "30" && f.service_config[0].timeout_seconds == 30])
    error_message = "The process and the platform end at different times."
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

run "a_region_without_a_way_out_is_refused" {
  command = plan

  variables {
    egress = { network = "egress", subnetworks = { europe-west1 = "a" } }
  }

  expect_failures = [var.egress]
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

run "a_bucket_that_is_not_there_is_refused" {
  command = plan

  variables {
    buckets = {}
  }

  expect_failures = [var.buckets]
}

run "a_bundle_without_its_hash_is_refused" {
  command = plan

  variables {
    bundle = { bucket = "hub-example-bundles", object = "orders.zip" }
  }

  expect_failures = [var.bundle]
}

run "a_default_account_that_builds_is_refused" {
  command = plan

  variables {
    build_account = "projects/hub-example/serviceAccounts/123456-compute@developer.gserviceaccount.com"
  }

  expect_failures = [var.build_account]
}

run "a_secret_in_the_environment_is_refused" {
  command = plan

  variables {
    environment = { RYGGRAD_CLIENT_SECRET = "x" }
  }

  expect_failures = [var.environment]
}
