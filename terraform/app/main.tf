provider "google" {
  project = var.project
}

locals {
  table  = jsondecode(file("${path.module}/../../functions/functions.json")).functions
  built  = { for f in local.table : f.name => f if !f.coming }
  public = { for name, f in local.built : name => f if f.trigger == "http" }
  pushed = { for name, f in local.built : name => f if f.trigger == "pubsub" }

  # Topics that a function publishes to, whoever reads them.
  published = flatten([for f in values(local.built) : keys(f.roles.topics)])

  egress = var.static_egress ? {
    network     = "projects/${var.project}/global/networks/egress"
    subnetworks = { for r in var.regions : r => "projects/${var.project}/regions/${r}/subnetworks/egress-${r}" }
  } : null

  # Not the ordinary API: where guessing must be slow, and where platforms call.
  wanted = {
    "/v1/oauth"                 = "login"
    "/v1/sessions"              = "login"
    "/v1/incident-reports"      = "login"
    "/v1/vulnerability-reports" = "login"
    "/v1/channels/*/*/**"       = "webhook"
    "/v1/pos/deliverect"        = "webhook"
  }
  routes  = flatten([for f in values(local.public) : f.routes])
  classes = { for route, class in local.wanted : route => class if contains(local.routes, route) }
}

module "names" {
  source = "../modules/names"

  project        = var.project
  backup_project = var.backup_project
  regions        = var.regions
  active_region  = var.active_region
}

module "messaging" {
  source = "../modules/messaging"

  project        = var.project
  project_number = var.project_number
  regions        = var.regions
  active_region  = var.active_region
  topics         = toset(concat(local.published, ["alerts"]))
  subscriptions  = { for name, f in local.pushed : name => { topic = f.topic, timeout = f.timeout, schedule = f.schedule } }

  endpoints = { for name in keys(local.pushed) : name => {
    uri     = module.functions[name].uris[var.active_region]
    service = module.functions[name].services[var.active_region]
  } }
}

module "functions" {
  source   = "../modules/function"
  for_each = local.built

  project       = var.project
  function      = each.value
  regions       = var.regions
  build_account = var.build_account
  rebuild       = var.rebuild
  environment   = merge(local.environment, var.environment)
  topics        = module.messaging.topics
  keys          = { for name, k in module.names.keys : name => k.id }
  buckets       = module.names.buckets
  egress        = local.egress

  bundle = {
    bucket = module.names.bundles_bucket
    object = "functions/${each.key}/${var.functions[each.key].sha256}.zip"
  }
}

module "edge" {
  source = "../modules/edge"

  project     = var.project
  domain      = var.domain
  fallback    = "orders"
  classes     = local.classes
  waf_preview = var.waf_preview
  functions   = { for name, f in local.public : name => { routes = f.routes, services = module.functions[name].services } }
}

module "observability" {
  source = "../modules/observability"

  project   = var.project
  domain    = var.domain
  number    = var.project_number
  topic     = module.messaging.topics["alerts"]
  people    = var.people
  schedules = { for name, f in local.pushed : name => f.schedule if f.schedule != "" }
  instances = { for name, f in local.built : name => f.maxInstances }
  metrics   = jsondecode(file("${path.module}/../../functions/metrics.json")).metrics
  runbooks  = "${path.module}/../runbooks"

  subscriptions = toset(keys(local.pushed))

  paths = { for name, path in {
    "the signing keys"     = "/.well-known/jwks.json"
    "the audit log's head" = "/log/checkpoint"
    "the status page"      = "/status"
  } : name => path if anytrue([for r in local.routes : path == r || startswith(path, "${r}/")]) }
}
