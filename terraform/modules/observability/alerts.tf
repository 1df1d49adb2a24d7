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

  # A metric of several kinds of resources answers only if one is named.
  revision = "monitored_resource=\"cloud_run_revision\""
  database = "monitored_resource=\"firestore.googleapis.com/Database\""

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
    "backup-damaged" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_backup_refused{${local.revision}}[10m])) > 0"
    }
    "certificate-expiring" = {
      page  = false
      for   = "3600s"
      query = "min(monitoring_googleapis_com:uptime_check_time_until_ssl_cert_expires{monitored_resource=\"uptime_url\"}) < 14"
    }
    "database-failing" = {
      page  = true
      for   = "300s"
      query = "sum(rate(firestore_googleapis_com:api_request_count{${local.database}, response_code=~\"UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|INTERNAL\"}[5m])) / sum(rate(firestore_googleapis_com:api_request_count{${local.database}}[5m])) > 0.01"
    }
    "dead-letters" = {
      page  = true
      for   = "0s"
      query = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=~\".*-dead\", subscription_id!=\"alerts-dead\"}) > 0"
    }
    "drill-failed" = {
      page  = false
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_drill_failed{${local.revision}}[10m])) > 0 or sum(increase(logging_googleapis_com:user_ryggrad_drill_late{${local.revision}}[2h])) > 0"
    }
    "entries-unsealed" = {
      page  = true
      for   = "120s"
      query = "histogram_quantile(1, sum by (le) (increase(logging_googleapis_com:user_ryggrad_unsealed_seconds_bucket{${local.revision}}[5m]))) > 90"
    }
    "events-left-behind" = {
      page  = false
      for   = "1800s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_relayed{${local.revision}}[10m])) > 0"
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
    "privacy-waiting" = {
      page  = true
      for   = "600s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_subject_failed{${local.revision}}[10m])) > 0"
    }
    "quota-exceeded" = {
      page  = true
      for   = "60s"
      query = "max by (quota_metric) (max_over_time(serviceruntime_googleapis_com:quota_exceeded{monitored_resource=\"consumer_quota\"}[5m])) > 0"
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
    "rewrap-stalled" = {
      page  = false
      for   = "0s"
      query = "(sum(increase(logging_googleapis_com:user_ryggrad_tenant_key_lowest_version_bucket{${local.revision}, le=\"+Inf\"}[25h])) or vector(0)) < 1"
    }
    "site-down" = {
      page  = true
      for   = "120s"
      query = "sum by (check_id) (1 - monitoring_googleapis_com:uptime_check_check_passed{monitored_resource=\"uptime_url\"}) > 2"
    }
    "tenant-key-unusable" = {
      page  = true
      for   = "0s"
      query = "sum(increase(logging_googleapis_com:user_ryggrad_tenant_key_unusable{${local.revision}}[10m])) > 0"
    }
  }

  # Lines of Google's audit logs, which come from resources of many kinds, so that no question in PromQL covers them all.
  lines = {
    "break-glass"    = { filter = local.break_glass }
    "rights-changed" = { filter = local.rights_changed }
  }

  # One policy for each function, so that the page says which, and the status page can.
  starts = { for name in keys(var.instances) : "function-cannot-start ${name}" => {
    runbook = "function-cannot-start"
    page    = true
    for     = "0s"
    query   = "sum(increase(logging_googleapis_com:user_ryggrad_cannot_start{${local.revision}, service_name=\"${name}\"}[5m])) > 0"
  } }
  failures = { for name in keys(var.instances) : "functions-failing ${name}" => {
    runbook = "functions-failing"
    page    = true
    for     = "300s"
    query   = "sum(increase(logging_googleapis_com:user_ryggrad_failed{${local.revision}, service_name=\"${name}\"}[5m])) > 5"
  } }

  # One policy for each subscription. What the drill's messages take, minutes each, is watched by alerts of its own.
  backlogs = { for name in setsubtract(var.subscriptions, ["drill"]) : "backlog-old ${name}" => {
    runbook = "backlog-old"
    page    = true
    for     = "300s"
    query   = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{subscription_id=\"${name}\"}) > 600"
  } }

  # One policy for each job. A push that was taken is a run that was done. What runs on some days of a week or month only
  # is not asked for so: Monitoring does not look back that far. Another function tells when it is overdue.
  daily = { for name, window in local.silence : name => window if join(" ", slice(local.cron[name], 2, 5)) == "* * *" }
  jobs = { for name, window in local.daily : "job-stalled ${name}" => {
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
  named  = merge(local.alerts, local.starts, local.failures)
  asked  = toset(flatten([for a in values(local.named) : [for m in regexall("user_ryggrad_([a-z_]+?)(?:_bucket)?[{\\[]", a.query) : m[0]]]))
  others = { backup_given_up = "backup-late", backup_stale = "backup-late", backup_waits = "backup-late" }
  errors = { for m in var.metrics : "error-logged ${m.name}" => {
    runbook = lookup(local.others, m.name, "error-logged")
    page    = true
    for     = "0s"
    query   = "sum(increase(logging_googleapis_com:user_ryggrad_${m.name}{${local.revision}}[10m])) > 0"
  } if m.value == "" && !contains(local.asked, m.name) }

  policies = merge(local.starts, local.failures, local.backlogs, local.jobs, local.backups, local.errors, { for name, a in local.alerts : name => merge(a, { runbook = name }) })

  # What customers notice while an alert is open: the function that the status page says it of, how bad it is for them, and
  # in which words. The function `alerts` reads the labels `function` and `impact`. Every other alert is for operators only.
  seen = {
    "orders"   = { impact = "major", subject = "Orders cannot be taken in as they should" }
    "fetch"    = { impact = "major", subject = "Orders of some delivery platforms do not come in as they should" }
    "auth"     = { impact = "major", subject = "Logging in and access do not work as they should" }
    "delivery" = { impact = "minor", subject = "Settings and lists of deliveries do not work as they should" }
    "dispatch" = { impact = "major", subject = "Orders reach points of sale late" }
    "relay"    = { impact = "minor", subject = "Some orders reach points of sale late" }
    "retry"    = { impact = "minor", subject = "Deliveries that failed are tried again late" }
    "audit"    = { impact = "minor", subject = "The audit log cannot be read as it should" }
    "privacy"  = { impact = "minor", subject = "Requests of guests about their data are taken in late" }
    "subjects" = { impact = "minor", subject = "Requests of guests about their data are answered late" }
    "status"   = { impact = "minor", subject = "The status page does not work as it should" }
  }
  noticed = merge(
    { for name, s in local.seen : "function-cannot-start ${name}" => merge(s, { function = name }) },
    { for name, s in local.seen : "functions-failing ${name}" => merge(s, { function = name }) },
    { for name, s in local.seen : "backlog-old ${name}" => merge(s, { function = name }) },
    { for name, s in local.seen : "job-stalled ${name}" => merge(s, { function = name }) },
    {
      "availability-fast-burn" = { function = "orders", impact = "major", subject = "Many requests fail" }
      "availability-slow-burn" = { function = "orders", impact = "minor", subject = "Some requests fail" }
      "database-failing"       = { function = "orders", impact = "major", subject = "Our database fails for some requests" }
      "keys-failing"           = { function = "orders", impact = "minor", subject = "Personal data of some orders cannot be read" }
      "latency-burn"           = { function = "orders", impact = "minor", subject = "Requests take longer than they should" }
      "privacy-waiting"        = { function = "subjects", impact = "minor", subject = "Requests of guests about their data are answered late" }
      "region-failing"         = { function = "orders", impact = "minor", subject = "One of our regions fails" }
      "site-down"              = { function = "orders", impact = "critical", subject = "The hub cannot be reached" }
    },
  )
  customers = { for name, n in local.noticed : name => { function = n.function, impact = n.impact } }
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each = local.policies

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = each.value.page ? "CRITICAL" : "WARNING"
  notification_channels = local.channels
  user_labels           = merge({ runbook = each.value.runbook }, lookup(local.customers, each.key, {}))

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
    subject   = try(local.noticed[each.key].subject, null)
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.lines, google_logging_metric.values, google_logging_metric.backup_made]
}

# Told at once, and again after five minutes at the earliest, which is as often as Monitoring tells of lines.
resource "google_monitoring_alert_policy" "lines" {
  for_each = local.lines

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = { runbook = each.key }

  conditions {
    display_name = each.key

    condition_matched_log {
      filter = each.value.filter
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = file("${var.runbooks}/alerts/${each.key}.md")
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "300s"
    }
  }
}
