locals {
  charts = [
    ["Requests by function, each second", "sum by (service_name) (rate(run_googleapis_com:request_count{${local.revision}}[5m]))"],
    ["Faults of ours, share of requests", "sum by (service_name) (rate(run_googleapis_com:request_count{${local.revision}, response_code_class=\"5xx\"}[5m])) / sum by (service_name) (rate(run_googleapis_com:request_count{${local.revision}}[5m]))"],
    ["95 % of requests are faster than, ms", "histogram_quantile(0.95, sum by (le, service_name) (rate(run_googleapis_com:request_latencies_bucket{${local.revision}}[5m])))"],
    ["Requests by region, each second", "sum by (location) (rate(run_googleapis_com:request_count{${local.revision}}[5m]))"],
    ["Refused: credentials, rights, rates", "sum by (response_code) (rate(run_googleapis_com:request_count{${local.revision}, response_code=~\"401|403|409|422|429\"}[5m]))"],
    ["Instances by function", "sum by (service_name) (run_googleapis_com:container_instance_count{${local.revision}})"],
    ["Oldest message that waits, s", "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{subscription_id!~\".*-dead\"})"],
    ["Dead letters", "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=~\".*-dead\"})"],
    ["Runs of jobs in ten minutes", "sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_push_request_count{response_class=\"ack\", subscription_id=~\"${join("|", sort(keys(var.schedules)))}\"}[10m]))"],
    ["Firestore: calls by outcome, each second", "sum by (response_code) (rate(firestore_googleapis_com:api_request_count{${local.database}}[5m]))"],
    ["Firestore: documents written and read, each second", "label_replace(sum(rate(firestore_googleapis_com:document_write_ops_count{${local.database}}[5m])), \"documents\", \"written\", \"\", \"\") or label_replace(sum(rate(firestore_googleapis_com:document_read_ops_count{${local.database}}[5m])), \"documents\", \"read\", \"\", \"\")"],
    ["Orders that could not be taken in", "sum(increase(logging_googleapis_com:user_ryggrad_order_given_up{${local.revision}}[10m]))"],
    ["Events announced again by the relay", "sum(increase(logging_googleapis_com:user_ryggrad_relayed{${local.revision}}[10m]))"],
    ["Oldest unsealed entry after a run, s", "histogram_quantile(1, sum by (le) (increase(logging_googleapis_com:user_ryggrad_unsealed_seconds_bucket{${local.revision}}[5m])))"],
  ]
  drawn = [for chart in local.charts : {
    title = chart[0]
    xyChart = {
      dataSets = [{
        plotType        = "LINE"
        timeSeriesQuery = { prometheusQuery = chart[1] }
      }]
    }
  }]
  widgets = concat(local.drawn, [{ title = "People and strangers at data and keys", logsPanel = { filter = local.break_glass } }])
  columns = 3
  width   = 16
  height  = 12
}

resource "google_monitoring_dashboard" "hub" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "Ryggrad"
    mosaicLayout = {
      columns = local.columns * local.width
      tiles = [for i, widget in local.widgets : {
        xPos   = (i % local.columns) * local.width
        yPos   = floor(i / local.columns) * local.height
        width  = local.width
        height = local.height
        widget = widget
      }]
    }
  })
}
