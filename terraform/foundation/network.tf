locals {
  ways = var.static_egress ? { for i, r in var.regions : r => var.subnetworks[i] } : {}
}

resource "google_compute_network" "egress" {
  count = var.static_egress ? 1 : 0

  project                 = var.project
  name                    = "egress"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "egress" {
  for_each = local.ways

  project                  = var.project
  name                     = "egress-${each.key}"
  region                   = each.key
  network                  = google_compute_network.egress[0].id
  ip_cidr_range            = each.value
  private_ip_google_access = true
}

resource "google_compute_router" "egress" {
  for_each = local.ways

  project = var.project
  name    = "egress-${each.key}"
  region  = each.key
  network = google_compute_network.egress[0].id
}

resource "google_compute_address" "egress" {
  for_each = local.ways

  project = var.project
  name    = "egress-${each.key}"
  region  = each.key

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_router_nat" "egress" {
  for_each = local.ways

  project                             = var.project
  name                                = "egress-${each.key}"
  region                              = each.key
  router                              = google_compute_router.egress[each.key].name
  nat_ip_allocate_option              = "MANUAL_ONLY"
  nat_ips                             = [google_compute_address.egress[each.key].self_link]
  source_subnetwork_ip_ranges_to_nat  = "ALL_SUBNETWORKS_ALL_IP_RANGES"
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
