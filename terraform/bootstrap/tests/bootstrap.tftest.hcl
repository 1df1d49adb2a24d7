run "what_is_planned_holds" {
  command = plan

  # Every service that the hub uses is on.
  assert {
    condition     = length(google_project_service.enabled) > 20 && alltrue([for s in google_project_service.enabled : !s.disable_on_destroy])
    error_message = "A service is missing, or would be switched off under somebody else."
  }

  # Applying can only set rights on backups.
  assert {
    condition     = alltrue([for p in google_project_iam_custom_role.grants.permissions : can(regex("^(cloudkms.cryptoKeys|storage.buckets)\\.(get|getIamPolicy|setIamPolicy)$", p))])
    error_message = "Applying could read or delete backups, or use their key."
  }

  assert {
    condition     = alltrue([for p in google_project_iam_custom_role.reads.permissions : !strcontains(p, "set")])
    error_message = "Planning could change something."
  }
}
