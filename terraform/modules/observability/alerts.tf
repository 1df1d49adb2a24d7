locals {
  # How long a job may be silent: two of its periods, and for what runs daily 25 hours, because Monitoring looks back no
  # further.
  cron = { for name, line in var.schedules : name => split(" ", line) }
  period = { for name, f in local.cron : name =>
    f[0] == "*" ? 60 :
    startswith(f[0], "*/") ? 60 * tonumber(trimprefix(f[0], "*/")) :
    f[1] == "*" ? 3600 / length(split(",", f[0])) :
    startswith(f[1], "*/") ? 3600 * tonumber(trimprefix(f[1], "*/")) :
    86400 / length(split(",", f[1]))
  }
  silence = { for name, p in local.period : name => min(90000, max(300, 2 * p)) }

  revision = "monitored_resource=\"cloud_run_revision\""

  # Every alert is a question in PromQL that has an answer when something is wrong. Its runbook is
  # runbooks/alerts/NAME.md. Page: somebody gets up. Ticket: somebody looks on the next working day.
  alerts = {
    "alerts-undelivered" = {
      page  = true
      for   = "0s"
      query = "sum(pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=\"alerts-dead\"}) > 0"
    }
    "audit-finding" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_audit_finding{${local.revision}}[10m])) > 0"
    }
    "audit-refusals-lost" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_refusals_lost{${local.revision}}[10m])) > 0"
    }
    "backlog-old" = {
      page  = true
      for   = "300s"
      query = "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{subscription_id!~\".*-dead\"}) > 600"
    }
    "break-glass" = {
      page  = false
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_break_glass[10m])) > 0"
    }
    "certificate-expiring" = {
      page  = false
      for   = "3600s"
      query = "min(monitoring_googleapis_com:uptime_check_time_until_ssl_cert_expires{monitored_resource=\"uptime_url\"}) < 14"
    }
    "database-failing" = {
      page  = true
      for   = "300s"
      query = "sum(rate(firestore_googleapis_com:api_request_count{response_code=~\"UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|INTERNAL\"}[5m])) / sum(rate(firestore_googleapis_com:api_request_count[5m])) > 0.01"
    }
    "dead-letters" = {
      page  = true
      for   = "0s"
      query = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=~\".*-dead\", subscription_id!=\"alerts-dead\"}) > 0"
    }
    "events-left-behind" = {
      page  = false
      for   = "1800s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_relayed{${local.revision}}[10m])) > 0"
    }
    "function-cannot-start" = {
      page  = true
      for   = "0s"
      query = "sum by (service_name) (increase(logging_googleapis_com:user_ryggrad_cannot_start{${local.revision}}[5m])) > 0"
    }
    "functions-failing" = {
      page  = true
      for   = "300s"
      query = "sum by (service_name) (increase(logging_googleapis_com:user_ryggrad_failed{${local.revision}}[5m])) > 5"
    }
    "instances-exhausted" = {
      page  = true
      for   = "300s"
      query = join(" or ", [for name, n in var.instances : "sum by (location, service_name) (run_googleapis_com:container_instance_count{${local.revision}, service_name=\"${name}\"}) > ${max(1, floor(n * 0.8))}" if n > 2])
    }
    "key-old" = {
      page  = false
      for   = "0s"
      query = join(" or ", [for m in var.metrics : "histogram_quantile(1, sum by (le) (increase(logging_googleapis_com:user_ryggrad_${m.name}_bucket{${local.revision}}[25h]))) > 90" if endswith(m.name, "_age_days")])
    }
    "keys-failing" = {
      page  = true
      for   = "300s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_served_from_memory{${local.revision}}[5m])) > 0"
    }
    "order-given-up" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_order_given_up{${local.revision}}[10m])) > 0"
    }
    "poison" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_poison{${local.revision}}[10m])) > 0"
    }
    "quota-exceeded" = {
      page  = true
      for   = "60s"
      query = "sum by (quota_metric) (increase(serviceruntime_googleapis_com:quota_exceeded[5m])) > 0"
    }
    "refusals-many" = {
      page  = false
      for   = "300s"
      query = "sum(rate(run_googleapis_com:request_count{${local.revision}, response_code=~\"401|403|429\"}[5m])) > 20"
    }
    "region-failing" = {
      page  = true
      for   = "180s"
      query = "sum by (location) (rate(run_googleapis_com:request_count{${local.revision}, response_code_class=\"5xx\"}[3m])) / sum by (location) (rate(run_googleapis_com:request_count{${local.revision}}[3m])) > 0.2"
    }
    "rights-changed" = {
      page  = false
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_rights_changed[10m])) > 0"
    }
    "site-down" = {
      page  = true
      for   = "120s"
      query = "sum by (check_id) (1 - monitoring_googleapis_com:uptime_check_check_passed{monitored_resource=\"uptime_url\"}) > 2"
    }
  }

  # One policy for each job, so that the page says which: a push that was taken is a run that was done.
  jobs = { for name, window in local.silence : "job-stalled ${name}" => {
    runbook = "job-stalled"
    page    = true
    for     = "0s"
    query   = "(sum(increase(pubsub_googleapis_com:subscription_push_request_count{subscription_id=\"${name}\", response_class=\"ack\"}[${window}s])) or vector(0)) < 1"
  } }

  # The newest backup that may be restored must not be older than is promised.
  promised = contains(keys(var.schedules), "backup") ? { hot = 4500, config = 12600, keys = 4500 } : {}
  backups = { for set, window in local.promised : "backup-late ${set}" => {
    runbook = "backup-late"
    page    = true
    for     = "0s"
    query   = "(sum(increase(logging_googleapis_com:user_ryggrad_backup_made{${local.revision}, set=\"${set}\"}[${window}s])) or vector(0)) < 1"
  } }

  # What code logs as an error and no alert above asks for wakes somebody all the same.
  asked = toset(flatten([for a in values(local.alerts) : [for m in regexall("user_ryggrad_([a-z_]+?)(?:_bucket)?[{\\[]", a.query) : m[0]]]))
  errors = { for m in var.metrics : "error-logged ${m.name}" => {
    runbook = "error-logged"
    page    = true
    for     = "0s"
    query   = "sum(increase(logging_googleapis_com:user_ryggrad_${m.name}{${local.revision}}[10m])) > 0"
  } if m.value == "" && !contains(local.asked, m.name) }

  policies = merge(local.jobs, local.backups, local.errors, { for name, a in local.alerts : name => merge(a, { runbook = name }) })
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each = local.policies

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = each.value.page ? "CRITICAL" : "WARNING"
  notification_channels = local.channels
  user_labels           = { runbook = each.value.runbook }

  conditions {
    display_name = each.key

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.for
      evaluation_interval = "60s"

      # A metric that no line or message has made yet is no mistake.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = file("${var.runbooks}/alerts/${each.value.runbook}.md")
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.lines, google_logging_metric.values, google_logging_metric.backup_made]
}
