# Buckets.
package main

deny contains msg if {
	some r in of_type("google_storage_bucket")
	not r.change.after.uniform_bucket_level_access == true
	msg := sprintf("%s has rights on single objects", [r.address])
}

deny contains msg if {
	some r in of_type("google_storage_bucket")
	not r.change.after.public_access_prevention == "enforced"
	not for_everybody(r)
	msg := sprintf("%s could be made public", [r.address])
}

# The copies of the status pages, which are for everybody when the hub is down.
for_everybody(r) if endswith(r.change.after.name, "-status")

deny contains msg if {
	some r in of_type("google_storage_bucket")
	not r.change.after.force_destroy == false
	msg := sprintf("%s can be destroyed with what is in it", [r.address])
}

deny contains msg if {
	some r in of_type("google_storage_bucket")
	not kept(r)
	msg := sprintf("%s has neither retention nor versions", [r.address])
}

kept(r) if to_number(one(r, "retention_policy").retention_period) >= 86400

kept(r) if one(r, "versioning").enabled == true

# What is in the multi-region is what must never be lost.
durable contains r if {
	some r in of_type("google_storage_bucket")
	r.change.after.location in {"EU", "EUR4"}
}

deny contains msg if {
	some r in durable
	not encrypted(r)
	msg := sprintf("%s is not encrypted by a key of our own", [r.address])
}

encrypted(r) if has(r, "encryption", "default_kms_key_name")

encrypted(r) if r.change.after_unknown.encryption[0].default_kms_key_name

deny contains msg if {
	some r in durable
	not r.change.after.rpo == "ASYNC_TURBO"
	msg := sprintf("%s reaches its second region late", [r.address])
}

deny contains msg if {
	some r in durable
	some place in one(r, "custom_placement_config").data_locations
	not startswith(place, "EUROPE-")
	msg := sprintf("%s is kept outside Europe", [r.address])
}

deny contains msg if {
	some r in of_type("google_storage_bucket")
	not startswith(r.change.after.location, "EU")
	msg := sprintf("%s is kept outside Europe", [r.address])
}
