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

run "what_is_planned_holds" {
  command = plan

  # Applying needs an approval.
  assert {
    condition     = google_cloudbuild_trigger.apply.approval_config[0].approval_required
    error_message = "A plan is applied without anybody's approval."
  }

  # Applying takes the saved plan and nothing else.
  assert {
    condition     = contains(google_cloudbuild_trigger.apply.build[0].step[1].args, "saved.tfplan") && length(google_cloudbuild_trigger.apply.repository_event_config) == 0
    error_message = "What is applied is not what was planned."
  }

  # What is proposed can do nothing.
  assert {
    condition     = google_cloudbuild_trigger.check.substitutions["_DEPLOY"] == "no"
    error_message = "A proposal would be deployed."
  }

  assert {
    condition     = length([for m in concat(values(google_project_iam_member.plan), values(google_project_iam_member.apply), values(google_storage_bucket_iam_member.buckets), [google_service_account_iam_member.plans, google_service_account_iam_member.deploys]) : m if strcontains(m.member, "delivery-check")]) == 0
    error_message = "The account that tests proposals may do more than log."
  }

  # Each trigger has its own account.
  assert {
    condition     = length(distinct([for a in google_service_account.accounts : a.account_id])) == 5
    error_message = "Accounts are shared."
  }

  # Applying gives functions roles only.
  assert {
    condition     = google_project_iam_member.grants.condition[0].expression == "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/datastore.user', 'roles/telemetry.writer'])"
    error_message = "Applying could give itself any role."
  }

  # Images are pinned.
  assert {
    condition     = alltrue([for s in google_cloudbuild_trigger.apply.build[0].step : can(regex("@sha256:[0-9a-f]{64}$", s.name))])
    error_message = "A step runs in whatever a tag points to."
  }
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

run "what_is_refused" {
  command = plan

  variables {
    # An image by its tag is refused.
    images = { go = "golang:1.26", terraform = "example.com/t@sha256:1111111111111111111111111111111111111111111111111111111111111111", gcloud = "example.com/g@sha256:2222222222222222222222222222222222222222222222222222222222222222" }

    # Planning that reads data is refused.
    plan_roles = ["roles/datastore.viewer"]

    # Granting administration is refused.
    grantable_roles = ["roles/cloudkms.admin"]

    # Robots do not approve.
    approvers = ["serviceAccount:robot@hub-example.iam.gserviceaccount.com"]

    # A federation for everybody is refused.
    federation = { issuer = "https://token.example.com", condition = "true", subject = "repo:example/hub:ref:refs/heads/main" }
  }

  expect_failures = [var.images, var.plan_roles, var.grantable_roles, var.approvers, var.federation]
}
