project        = "hub-example"
backup_project = "hub-example-backup"
production     = true
