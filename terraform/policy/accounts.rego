# Who may do what.
package main

default_accounts := [
	"-compute@developer.gserviceaccount.com",
	"@appspot.gserviceaccount.com",
	"@cloudbuild.gserviceaccount.com",
	"@cloudservices.gserviceaccount.com",
]

deny contains msg if {
	some r in planned
	some text in texts(r)
	some account in default_accounts
	endswith(text, account)
	msg := sprintf("%s uses a default account", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	not has(r, "service_config", "service_account_email")
	not unknown(r, "service_config")
	not r.change.after_unknown.service_config[0].service_account_email
	msg := sprintf("%s runs under the default account", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	not has(r, "build_config", "service_account")
	not r.change.after_unknown.build_config[0].service_account
	msg := sprintf("%s is built by the default account", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudbuild_trigger")
	not given(r, "service_account")
	not unknown(r, "service_account")
	msg := sprintf("%s builds under the default account", [r.address])
}

deny contains msg if {
	some r in planned
	is_iam(r.type)
	r.change.after.role in {"roles/owner", "roles/editor", "roles/viewer", "roles/browser"}
	msg := sprintf("%s gives the primitive role %s", [r.address, r.change.after.role])
}

# Everybody may call what the load balancer shows and read the copies of the status pages, and nothing else: the hub knows its callers by its own credentials.
deny contains msg if {
	some r in planned
	is_iam(r.type)
	some member in members(r)
	member in {"allUsers", "allAuthenticatedUsers"}
	not public_service(r)
	not public_pages(r)
	msg := sprintf("%s is open to %s", [r.address, member])
}

public_pages(r) if {
	r.type == "google_storage_bucket_iam_member"
	r.change.after.role == "roles/storage.legacyObjectReader"
	r.change.after.member == "allUsers"
	endswith(r.change.after.bucket, "-status")
}

public_service(r) if {
	r.type == "google_cloud_run_v2_service_iam_member"
	r.change.after.role == "roles/run.invoker"
	some f in of_type("google_cloudfunctions2_function")
	f.change.after.name == r.change.after.name
	f.change.after.location == r.change.after.location
	one(f, "service_config").ingress_settings == "ALLOW_INTERNAL_AND_GCLB"
}

deny contains msg if {
	some r in of_type("google_service_account_key")
	msg := sprintf("%s is a key that can be stolen", [r.address])
}

# Whoever manages keys never uses one.
deny contains msg if {
	some a in planned
	is_iam(a.type)
	a.change.after.role == "roles/cloudkms.admin"
	contains(a.type, "kms")
	some u in planned
	is_iam(u.type)
	u.change.after.role in {"roles/cloudkms.cryptoKeyEncrypterDecrypter", "roles/cloudkms.cryptoKeyDecrypter", "roles/cloudkms.signerVerifier", "roles/cloudkms.signer"}
	some member in (members(a) & members(u))
	msg := sprintf("%s manages keys (%s) and uses them (%s)", [member, a.address, u.address])
}

# An account is one function's own.
deny contains msg if {
	some a in of_type("google_cloudfunctions2_function")
	some b in of_type("google_cloudfunctions2_function")
	a.change.after.name < b.change.after.name
	account := one(a, "service_config").service_account_email
	account == one(b, "service_config").service_account_email
	msg := sprintf("%s and %s share the account %s", [a.change.after.name, b.change.after.name, account])
}
