resource "google_compute_global_address" "addresses" {
  for_each = toset(["IPV4", "IPV6"])

  project    = var.project
  name       = "ryggrad-${lower(each.value)}"
  ip_version = each.value
}

resource "google_compute_managed_ssl_certificate" "certificate" {
  project = var.project
  name    = "ryggrad-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "modern" {
  project         = var.project
  name            = "ryggrad"
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "secure" {
  project          = var.project
  name             = "ryggrad"
  url_map          = google_compute_url_map.routes.id
  ssl_certificates = [google_compute_managed_ssl_certificate.certificate.id]
  ssl_policy       = google_compute_ssl_policy.modern.id
}

resource "google_compute_global_forwarding_rule" "secure" {
  for_each = google_compute_global_address.addresses

  project               = var.project
  name                  = "ryggrad-https-${lower(each.key)}"
  target                = google_compute_target_https_proxy.secure.id
  ip_address            = each.value.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

# Plain HTTP is answered with where to go, and nothing else.
resource "google_compute_url_map" "redirect" {
  project = var.project
  name    = "ryggrad-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = var.project
  name    = "ryggrad-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  for_each = google_compute_global_address.addresses

  project               = var.project
  name                  = "ryggrad-http-${lower(each.key)}"
  target                = google_compute_target_http_proxy.redirect.id
  ip_address            = each.value.id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
