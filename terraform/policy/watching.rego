# What watches, and what delivers.
package main

deny contains msg if {
	some r in of_type("google_monitoring_alert_policy")
	not has_runbook(r)
	msg := sprintf("%s has no runbook", [r.address])
}

# A heading alone is no runbook.
has_runbook(r) if count(one(r, "documentation").content) > 200

deny contains msg if {
	some r in of_type("google_monitoring_alert_policy")
	count(object.get(r.change.after, "notification_channels", [])) == 0
	not unknown(r, "notification_channels")
	msg := sprintf("%s tells nobody", [r.address])
}

deny contains msg if {
	some r in of_type("google_logging_project_bucket_config")
	r.change.after.retention_days < 400
	msg := sprintf("%s forgets within 400 days", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudbuild_trigger")
	some image in images(r)
	not regex.match(`@sha256:[0-9a-f]{64}$`, image)
	msg := sprintf("%s runs %s, which can change", [r.address, image])
}

images(r) := {step.name | some b in r.change.after.build; some step in b.step} | {image |
	some name, image in r.change.after.substitutions
	endswith(name, "_IMAGE")
}

deny contains msg if {
	some r in of_type("google_cloudbuild_trigger")
	some b in r.change.after.build
	some step in b.step
	"apply" in step.args
	not one(r, "approval_config").approval_required == true
	msg := sprintf("%s applies without an approval", [r.address])
}

deny contains msg if {
	some r in of_type("google_iam_workload_identity_pool_provider")
	not contains(object.get(r.change.after, "attribute_condition", ""), "==")
	msg := sprintf("%s lets every repository in", [r.address])
}
