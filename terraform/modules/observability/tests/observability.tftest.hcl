provider "google" {
  project = "hub-example"
}

variables {
  project   = "hub-example"
  domain    = "hub.example.com"
  number    = "123456789012"
  topic     = "projects/hub-example/topics/alerts"
  people    = ["oncall@example.com"]
  schedules = { seal = "* * * * *", backup = "0 * * * *", keys = "15 3 * * *", slow = "*/20 * * * *", config = "0 */3 * * *", weekly = "15 4 * * 0" }
  instances = { orders = 100, seal = 1 }

  subscriptions = ["dispatch", "drill", "seal"]

  paths = { log = "/log/checkpoint" }
  metrics = [
    { name = "poison", value = "", messages = ["event is poison", "a \"quoted\" one"], about = "a message that no repetition helps" },
    { name = "signing_key_age_days", value = "signing_key_age_days", messages = ["keys looked after"], about = "how old a key is" },
    { name = "something_new", value = "", messages = ["something new"], about = "what nobody thought of" },
  ]
  runbooks = "../../runbooks"
}

run "what_is_planned_holds" {
  command = plan

  # Lines are counted and values are measured.
  assert {
    condition     = google_logging_metric.lines["poison"].filter == "resource.type=\"cloud_run_revision\" AND jsonPayload.message=(\"event is poison\" OR \"a \\\"quoted\\\" one\")"
    error_message = "The lines are others."
  }

  assert {
    condition     = google_logging_metric.values["signing_key_age_days"].value_extractor == "EXTRACT(jsonPayload.signing_key_age_days)" && length(google_logging_metric.lines) == 2
    error_message = "The value is counted and not measured."
  }

  # Every set of backups is watched for what is promised.
  assert {
    condition = alltrue([for set, window in { hot = 4500, config = 12600, keys = 4500 } :
    strcontains(google_monitoring_alert_policy.alerts["backup-late ${set}"].conditions[0].condition_prometheus_query_language[0].query, "set=\"${set}\"}[${window}s])) or vector(0)) < 1")])
    error_message = "A set could be older than promised."
  }

  # An error of tomorrow wakes somebody.
  assert {
    condition     = google_monitoring_alert_policy.alerts["error-logged something_new"].user_labels["runbook"] == "error-logged"
    error_message = "It would be logged and nothing else."
  }

  # Monitoring may tell the hub.
  assert {
    condition     = google_pubsub_topic_iam_member.hub.member == "serviceAccount:service-123456789012@gcp-sa-monitoring-notification.iam.gserviceaccount.com" && google_pubsub_topic_iam_member.hub.topic == var.topic
    error_message = "Notifications would not arrive."
  }

  # A question about a metric of several kinds of resources names one.
  assert {
    condition = alltrue(flatten([for p in google_monitoring_alert_policy.alerts : [
      for selected in regexall("(?:logging|firestore|serviceruntime|run|monitoring)_googleapis_com:[a-z_]+([^a-z_])([a-z_]*)", p.conditions[0].condition_prometheus_query_language[0].query) :
      selected == ["{", "monitored_resource"]
    ]]))
    error_message = "Monitoring would answer a question with an error."
  }

  # Lines of audit logs are told of as they come.
  assert {
    condition     = toset(keys(google_monitoring_alert_policy.lines)) == toset(["break-glass", "rights-changed"]) && alltrue([for p in google_monitoring_alert_policy.lines : strcontains(p.conditions[0].condition_matched_log[0].filter, "cloudaudit.googleapis.com") && p.alert_strategy[0].notification_rate_limit[0].period == "300s"])
    error_message = "People at the data would go unseen."
  }

  # Every alert carries its runbook.
  assert {
    condition = alltrue([for p in concat(values(google_monitoring_alert_policy.alerts), values(google_monitoring_alert_policy.burns), values(google_monitoring_alert_policy.lines)) :
    length(p.documentation[0].content) > 0 && p.documentation[0].content == file("../../runbooks/alerts/${p.user_labels["runbook"]}.md")])
    error_message = "An alert shows nothing to whoever it wakes."
  }

  assert {
    condition     = length(setsubtract([for f in fileset("../../runbooks/alerts", "*.md") : trimsuffix(f, ".md")], values(output.alerts))) == 0
    error_message = "A runbook is for an alert that there is not."
  }

  # Every job is watched for two periods.
  assert {
    condition     = output.silences == { seal = 300, backup = 7200, keys = 90000, slow = 2400, config = 21600 }
    error_message = "A job may be silent for another time."
  }

  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.alerts), "job-stalled weekly")
    error_message = "A job would be said to be stalled on the days on which it does not run."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.alerts["job-stalled seal"].conditions[0].condition_prometheus_query_language[0].query, "[300s])) or vector(0)) < 1")
    error_message = "A job that never ran would not be noticed."
  }

  # What customers notice is said by labels.
  assert {
    condition = alltrue([for p in concat(values(google_monitoring_alert_policy.alerts), values(google_monitoring_alert_policy.burns)) :
    contains(keys(p.user_labels), "impact") == contains(keys(p.user_labels), "function") && contains(keys(p.user_labels), "impact") == (p.documentation[0].subject != null)])
    error_message = "An alert says how bad it is and not of what, or not in which words."
  }

  assert {
    condition     = google_monitoring_alert_policy.alerts["functions-failing orders"].user_labels == tomap({ runbook = "functions-failing", function = "orders", impact = "major" }) && google_monitoring_alert_policy.burns["availability-fast-burn"].user_labels["impact"] == "major" && google_monitoring_alert_policy.alerts["poison"].user_labels == tomap({ runbook = "poison" })
    error_message = "The status page would say something else."
  }

  # A job that waits is no incident of orders.
  assert {
    condition     = google_monitoring_alert_policy.alerts["backlog-old dispatch"].documentation[0].subject == "Orders reach points of sale late" && google_monitoring_alert_policy.alerts["backlog-old seal"].user_labels == tomap({ runbook = "backlog-old" }) && !contains(keys(google_monitoring_alert_policy.alerts), "backlog-old drill")
    error_message = "Customers would hear of orders where a job is late."
  }

  assert {
    condition     = google_monitoring_alert_policy.alerts["site-down"].user_labels["impact"] == "critical" && google_monitoring_alert_policy.alerts["site-down"].documentation[0].subject == "The hub cannot be reached"
    error_message = "Nobody would be told that the hub is down."
  }

  # The budget is watched over two windows.
  assert {
    condition     = google_monitoring_slo.availability.goal == 0.9995 && google_monitoring_slo.availability.rolling_period_days == 28
    error_message = "The goal is another one."
  }

  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.burns : p.combiner == "AND" && length(p.conditions) == 2])
    error_message = "An alert would go on after the trouble is over, or begin for a moment's."
  }

  # Alerts only for functions that can be exhausted.
  assert {
    condition     = strcontains(google_monitoring_alert_policy.alerts["instances-exhausted"].conditions[0].condition_prometheus_query_language[0].query, "service_name=\"orders\"}) > 80") && !strcontains(google_monitoring_alert_policy.alerts["instances-exhausted"].conditions[0].condition_prometheus_query_language[0].query, "seal")
    error_message = "A job of one instance would always alert."
  }

  # The dashboard has no overlap.
  assert {
    condition     = length(distinct([for t in jsondecode(google_monitoring_dashboard.hub.dashboard_json).mosaicLayout.tiles : "${t.xPos},${t.yPos}"])) == length(jsondecode(google_monitoring_dashboard.hub.dashboard_json).mosaicLayout.tiles)
    error_message = "Two charts lie on each other."
  }
}

run "alerts_read_metrics_that_there_are" {
  command = plan

  variables {
    metrics = jsondecode(file("../../../functions/metrics.json")).metrics
  }

  assert {
    condition = length(setsubtract(
      flatten([for p in google_monitoring_alert_policy.alerts : [for m in regexall("user_ryggrad_([a-z_]+?)(?:_bucket)?[{[]", p.conditions[0].condition_prometheus_query_language[0].query) : m[0]]]),
      concat([for m in jsondecode(file("../../../functions/metrics.json")).metrics : m.name], ["backup_made"]),
    )) == 0
    error_message = "An alert asks for a metric that nobody makes."
  }

  assert {
    condition = alltrue([for m in jsondecode(file("../../../functions/metrics.json")).metrics :
    m.value != "" || anytrue([for p in google_monitoring_alert_policy.alerts : strcontains(p.conditions[0].condition_prometheus_query_language[0].query, "user_ryggrad_${m.name}{")])])
    error_message = "An error is logged that wakes nobody."
  }
}

run "what_is_refused" {
  command = plan

  variables {
    # A goal under the floor is refused.
    goal = 0.99

    # Nobody to tell is refused.
    people = []

    # A schedule of four fields is refused.
    schedules = { seal = "* * * *" }
  }

  expect_failures = [var.goal, var.people, var.schedules]
}
