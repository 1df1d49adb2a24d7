project               = "hub-example"
backup_project        = "hub-example-backup"
project_number        = "123456789012"
backup_project_number = "210987654321"
production            = true
hsm                   = true
static_egress         = true
key_admins            = ["group:key-admins@example.com"]
