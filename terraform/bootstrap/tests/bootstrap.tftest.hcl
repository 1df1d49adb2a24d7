run "every_service_that_the_hub_uses_is_on" {
  command = plan

  assert {
    condition     = length(google_project_service.enabled) > 20 && alltrue([for s in google_project_service.enabled : !s.disable_on_destroy])
    error_message = "A service is missing, or would be switched off under somebody else."
  }
}
