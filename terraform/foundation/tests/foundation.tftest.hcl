run "what_is_planned_holds" {
  command = plan

  # The backups key is in the other project.
  assert {
    condition     = !contains(keys(module.keys.ids), "backup") && contains(keys(module.backup_keys.ids), "backup")
    error_message = "Whoever owns the hub would own the backups' key."
  }

  assert {
    condition     = contains(keys(module.keys.ids), "tenant-keys") && contains(keys(module.keys.ids), "access-tokens") && contains(keys(module.keys.ids), "audit-checkpoints")
    error_message = "A key that the functions look for is missing."
  }

  # Requests leave by fixed addresses.
  assert {
    condition     = length(google_compute_router_nat.egress) == 2 && alltrue([for n in google_compute_router_nat.egress : n.nat_ip_allocate_option == "MANUAL_ONLY"])
    error_message = "The addresses would change."
  }

  assert {
    condition     = alltrue([for s in google_compute_subnetwork.egress : s.private_ip_google_access])
    error_message = "Calls of Google's services would leave by the NAT."
  }
}

run "no_network_is_made_unasked" {
  command = plan

  variables {
    static_egress = false
  }

  assert {
    condition     = length(google_compute_network.egress) == 0 && length(google_compute_router_nat.egress) == 0
    error_message = "A network was made that nobody asked for."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # Programs do not manage keys.
    key_admins = ["serviceAccount:fn-orders@hub-example.iam.gserviceaccount.com"]

    # Small subnetworks are refused.
    subnetworks = ["10.0.0.0/28", "10.0.1.0/24"]
  }

  expect_failures = [var.key_admins, var.subnetworks]
}
