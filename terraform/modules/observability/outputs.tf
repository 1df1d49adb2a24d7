output "alerts" {
  description = "The alerts by their names: the runbook of each."
  value       = merge({ for name, p in local.policies : name => p.runbook }, { for name in concat(keys(local.burns), keys(local.lines)) : name => name })
}

output "silences" {
  description = "After how many seconds without a run a job is said to be stalled."
  value       = local.daily
}
