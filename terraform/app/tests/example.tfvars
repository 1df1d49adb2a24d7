project        = "hub-example"
backup_project = "hub-example-backup"
project_number = "123456789012"
domain         = "hub.example.com"
build_account  = "projects/hub-example/serviceAccounts/delivery-builder@hub-example.iam.gserviceaccount.com"
people         = ["oncall@example.com"]
static_egress  = true

# No real key: what looks like one is enough for a plan.
backup_recipient = "0000000000000000000000000000000000000000000"
