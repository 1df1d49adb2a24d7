provider "google" {
  project = "hub-example"
}

variables {
  project         = "hub-example"
  repository      = "projects/hub-example/locations/europe-west1/connections/forge/repositories/hub"
  names           = { bundles = "hub-example-bundles", plans = "hub-example-plans", states = "hub-example-terraform" }
  approvers       = ["group:releases@example.com"]
  grantable_roles = ["roles/datastore.user", "roles/telemetry.writer"]
  images = {
    go        = "example.com/go@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    terraform = "example.com/terraform:1.11@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gcloud    = "example.com/gcloud@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  }
}

run "applying_needs_an_approval" {
  command = plan

  assert {
    condition     = google_cloudbuild_trigger.apply.approval_config[0].approval_required
    error_message = "A plan is applied without anybody's approval."
  }
}

run "applying_takes_the_saved_plan_and_nothing_else" {
  command = plan

  assert {
    condition     = contains(google_cloudbuild_trigger.apply.build[0].step[1].args, "saved.tfplan") && length(google_cloudbuild_trigger.apply.repository_event_config) == 0
    error_message = "What is applied is not what was planned."
  }
}

run "what_is_proposed_can_do_nothing" {
  command = plan

  assert {
    condition     = google_cloudbuild_trigger.check.substitutions["_DEPLOY"] == "no"
    error_message = "A proposal would be deployed."
  }

  assert {
    condition     = length([for m in concat(values(google_project_iam_member.plan), values(google_project_iam_member.apply), values(google_storage_bucket_iam_member.buckets), [google_service_account_iam_member.plans, google_service_account_iam_member.deploys]) : m if strcontains(m.member, "delivery-check")]) == 0
    error_message = "The account that tests proposals may do more than log."
  }
}

run "each_trigger_has_its_own_account" {
  command = plan

  assert {
    condition     = length(distinct([for a in google_service_account.accounts : a.account_id])) == 5
    error_message = "Accounts are shared."
  }
}

run "applying_gives_functions_roles_only" {
  command = plan

  assert {
    condition     = google_project_iam_member.grants.condition[0].expression == "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/datastore.user', 'roles/telemetry.writer'])"
    error_message = "Applying could give itself any role."
  }
}

run "images_are_pinned" {
  command = plan

  assert {
    condition     = alltrue([for s in google_cloudbuild_trigger.apply.build[0].step : can(regex("@sha256:[0-9a-f]{64}$", s.name))])
    error_message = "A step runs in whatever a tag points to."
  }
}

run "an_image_by_its_tag_is_refused" {
  command = plan

  variables {
    images = { go = "golang:1.26", terraform = "example.com/t@sha256:1111111111111111111111111111111111111111111111111111111111111111", gcloud = "example.com/g@sha256:2222222222222222222222222222222222222222222222222222222222222222" }
  }

  expect_failures = [var.images]
}

run "planning_that_reads_data_is_refused" {
  command = plan

  variables {
    plan_roles = ["roles/datastore.viewer"]
  }

  expect_failures = [var.plan_roles]
}

run "granting_administration_is_refused" {
  command = plan

  variables {
    grantable_roles = ["roles/cloudkms.admin"]
  }

  expect_failures = [var.grantable_roles]
}

run "robots_do_not_approve" {
  command = plan

  variables {
    approvers = ["serviceAccount:robot@hub-example.iam.gserviceaccount.com"]
  }

  expect_failures = [var.approvers]
}

run "a_federation_for_everybody_is_refused" {
  command = plan

  variables {
    federation = { issuer = "https://token.example.com", condition = "true", subject = "repo:example/hub:ref:refs/heads/main" }
  }

  expect_failures = [var.federation]
}

run "a_federation_of_one_repository_is_taken" {
  command = plan

  variables {
    federation = { issuer = "https://token.example.com", condition = "assertion.repository == 'example/hub'", subject = "repo:example/hub:ref:refs/heads/main" }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.ci[0].attribute_condition == "assertion.repository == 'example/hub'"
    error_message = "Others could act too."
  }
}
