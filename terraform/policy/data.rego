# The database.
package main

deny contains msg if {
	some r in of_type("google_firestore_database")
	not r.change.after.name == "scratch"
	not r.change.after.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
	msg := sprintf("%s has no point-in-time recovery", [r.address])
}

# What a drill restored must not be kept for longer than the erasure of a guest may take.
deny contains msg if {
	some r in of_type("google_firestore_database")
	r.change.after.name == "scratch"
	r.change.after.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
	msg := sprintf("%s keeps what drills restored", [r.address])
}

deny contains msg if {
	some r in of_type("google_firestore_database")
	not r.change.after.delete_protection_state == "DELETE_PROTECTION_ENABLED"
	msg := sprintf("%s can be deleted", [r.address])
}

deny contains msg if {
	some r in of_type("google_firestore_database")
	not r.change.after.location_id == "eur3"
	msg := sprintf("%s is not in two regions of the European Union", [r.address])
}

deny contains msg if {
	some r in of_type("google_firestore_database")
	not has(r, "cmek_config", "kms_key_name")
	not r.change.after_unknown.cmek_config[0].kms_key_name
	msg := sprintf("%s is not encrypted by a key of our own", [r.address])
}

deny contains msg if {
	count(of_type("google_firestore_database")) > 0
	some kind in {"daily_recurrence", "weekly_recurrence"}
	count({r | some r in of_type("google_firestore_backup_schedule"); count(r.change.after[kind]) > 0}) == 0
	msg := sprintf("the database has no backup of the kind %s", [kind])
}

# An erasure is over when the last backup that holds the key is gone: 28 days here, and the trust page says so.
deny contains msg if {
	some r in of_type("google_firestore_backup_schedule")
	seconds(r.change.after.retention) > 2419200
	msg := sprintf("%s is kept longer than 28 days", [r.address])
}

deny contains msg if {
	some r in of_type("google_firebaserules_ruleset")
	some text in texts(r)
	regex.match(`allow[^;]*:\s*if\s+true|allow[^;:]*;`, text)
	msg := sprintf("%s lets somebody into the database", [r.address])
}
