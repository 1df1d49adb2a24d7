# Every rule of tflint's own set. The rules for Google's provider are a plugin that the module proxy does not have.
plugin "terraform" {
  enabled = true
  preset  = "all"
}
