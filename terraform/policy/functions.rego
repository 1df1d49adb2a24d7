# Functions and what is before them.
package main

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	not one(r, "service_config").ingress_settings in {"ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"}
	msg := sprintf("%s can be reached around the load balancer", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	not one(r, "build_config").runtime == "go126"
	msg := sprintf("%s runs on %s", [r.address, one(r, "build_config").runtime])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	one(r, "service_config").max_instance_request_concurrency > 1
	to_number(one(r, "service_config").available_cpu) < 1
	msg := sprintf("%s takes several requests at once on a part of a CPU", [r.address])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	name := r.change.after.name
	count({f.change.after.location | some f in of_type("google_cloudfunctions2_function"); f.change.after.name == name}) < 2
	msg := sprintf("%s runs in one region", [name])
}

deny contains msg if {
	some r in of_type("google_cloudfunctions2_function")
	some name, _ in one(r, "service_config").environment_variables
	regex.match(`SECRET|PASSWORD|PRIVATE|TOKEN`, name)
	msg := sprintf("%s has a secret in its environment: %s", [r.address, name])
}

deny contains msg if {
	some r in of_type("google_compute_ssl_policy")
	not modern(r)
	msg := sprintf("%s takes old connections", [r.address])
}

modern(r) if {
	r.change.after.profile == "RESTRICTED"
	r.change.after.min_tls_version in {"TLS_1_2", "TLS_1_3"}
}

deny contains msg if {
	some r in of_type("google_compute_target_https_proxy")
	not given(r, "ssl_policy")
	not unknown(r, "ssl_policy")
	msg := sprintf("%s has no policy for its connections", [r.address])
}

deny contains msg if {
	some r in of_type("google_compute_backend_service")
	not given(r, "security_policy")
	not unknown(r, "security_policy")
	msg := sprintf("%s is not behind Cloud Armor", [r.address])
}

deny contains msg if {
	some r in of_type("google_compute_backend_service")
	count(object.get(r.change.after, "outlier_detection", [])) == 0
	msg := sprintf("%s keeps a region that fails", [r.address])
}

deny contains msg if {
	some r in of_type("google_compute_backend_service")
	not one(r, "log_config").enable == true
	msg := sprintf("%s is not logged", [r.address])
}
