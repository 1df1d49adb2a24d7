project        = "hub-example"
backup_project = "hub-example-backup"
repository     = "projects/hub-example/locations/europe-west1/connections/forge/repositories/hub"
approvers      = ["group:releases@example.com"]

images = {
  go        = "example.com/go@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  terraform = "example.com/terraform@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  gcloud    = "example.com/gcloud@sha256:2222222222222222222222222222222222222222222222222222222222222222"
}
