locals {
  collections = { for c in var.collections : c.name => c }
  expiring    = { for name, c in local.collections : name => c.ttl if c.ttl != "" }
  singles     = merge([for name, c in local.collections : { for f in c.single : "${name} ${f}" => { collection = name, field = f } }]...)
  composites  = merge([for name, c in local.collections : { for x in c.indexes : "${name} ${join(" ", x)}" => { collection = name, fields = x } }]...)
}

# Nothing is indexed by itself: ciphertext is never searched, and an index on a time that grows is a hot spot.
resource "google_firestore_field" "unindexed" {
  for_each = local.collections

  project    = var.project
  database   = google_firestore_database.database.name
  collection = each.key
  field      = "*"

  index_config {}
}

resource "google_firestore_field" "expiring" {
  for_each = local.expiring

  project    = var.project
  database   = google_firestore_database.database.name
  collection = each.key
  field      = each.value

  ttl_config {}
  index_config {}
}

resource "google_firestore_field" "single" {
  for_each = local.singles

  project    = var.project
  database   = google_firestore_database.database.name
  collection = each.value.collection
  field      = each.value.field

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }

    indexes {
      order       = "DESCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_index" "composite" {
  for_each = local.composites

  project     = var.project
  database    = google_firestore_database.database.name
  collection  = each.value.collection
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = trimsuffix(trimprefix(fields.value, "-"), "[]")
      order        = endswith(fields.value, "[]") ? null : startswith(fields.value, "-") ? "DESCENDING" : "ASCENDING"
      array_config = endswith(fields.value, "[]") ? "CONTAINS" : null
    }
  }
}
