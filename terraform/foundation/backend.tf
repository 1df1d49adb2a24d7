# The bucket is named when the folder is initialised: terraform init -backend-config="bucket=PROJECT-terraform"
terraform {
  backend "gcs" {
    prefix = "foundation"
  }
}
