# Keys.
package main

ninety_days := 7776000

seconds(text) := to_number(trim_suffix(text, "s"))

deny contains msg if {
	some r in of_type("google_kms_crypto_key")
	r.change.after.purpose == "ENCRYPT_DECRYPT"
	not rotates(r)
	msg := sprintf("%s does not rotate within 90 days", [r.address])
}

rotates(r) if {
	period := r.change.after.rotation_period
	seconds(period) <= ninety_days
}

deny contains msg if {
	some r in of_type("google_kms_crypto_key")
	not slow_to_destroy(r)
	msg := sprintf("%s can be destroyed within 30 days", [r.address])
}

slow_to_destroy(r) if seconds(r.change.after.destroy_scheduled_duration) >= 2592000

deny contains msg if {
	some r in of_type("google_kms_crypto_key")
	not r.change.after.deletion_policy == "PREVENT"
	msg := sprintf("%s can be destroyed by Terraform", [r.address])
}

deny contains msg if {
	some r in of_type("google_kms_key_ring")
	not r.change.after.location in {"europe", "eur4", "eur5"}
	msg := sprintf("%s is not in more than one region of the European Union", [r.address])
}
