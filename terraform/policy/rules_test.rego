# Each rule is shown a resource that breaks it and one that does not.
package main

resource(type, after) := {"address": sprintf("%s.r", [type]), "type": type, "mode": "managed", "change": {"after": after, "after_unknown": {}}}

broken(resources) := msgs if {
	msgs := deny with input as {"resource_changes": resources}
}

breaks(resources, text) if {
	some msg in broken(resources)
	contains(msg, text)
}

holds(resources) if count(broken(resources)) == 0

function := {
	"name": "orders", "location": "europe-west1",
	"build_config": [{"runtime": "go126", "service_account": "projects/p/serviceAccounts/builder@p.iam.gserviceaccount.com"}],
	"service_config": [{
		"service_account_email": "fn-orders@p.iam.gserviceaccount.com", "ingress_settings": "ALLOW_INTERNAL_AND_GCLB",
		"max_instance_request_concurrency": 80, "available_cpu": "1", "timeout_seconds": 60, "environment_variables": {"RYGGRAD_BASE_URL": "https://x"},
	}],
}

functions(after) := [
	resource("google_cloudfunctions2_function", after),
	resource("google_cloudfunctions2_function", object.union(after, {"location": "europe-west4"})),
]

service(change) := object.union(function, {"service_config": [object.union(function.service_config[0], change)]})

test_a_function_in_two_regions_under_its_own_account if holds(functions(function))

test_one_region if breaks([resource("google_cloudfunctions2_function", function)], "runs in one region")

test_a_default_account if {
	breaks(functions(service({"service_account_email": "1-compute@developer.gserviceaccount.com"})), "uses a default account")
	breaks(functions(service({"service_account_email": null})), "runs under the default account")
	breaks(functions(object.union(function, {"build_config": [{"runtime": "go126", "service_account": null}]})), "is built by the default account")
	breaks([resource("google_cloudbuild_trigger", {"service_account": null})], "builds under the default account")
	breaks([resource("google_cloudbuild_trigger", {"substitutions": {}})], "builds under the default account")
}

test_an_account_that_is_known_later if {
	f := resource("google_cloudbuild_trigger", {})
	holds([object.union(f, {"change": {"after_unknown": {"service_account": true}}})])
}

test_ingress if breaks(functions(service({"ingress_settings": "ALLOW_ALL"})), "around the load balancer")

test_runtime if breaks(functions(object.union(function, {"build_config": [{"runtime": "go121", "service_account": "b"}]})), "runs on go121")

test_a_part_of_a_cpu if breaks(functions(service({"available_cpu": "0.5"})), "a part of a CPU")

test_a_secret if breaks(functions(service({"environment_variables": {"API_SECRET": "x"}})), "a secret in its environment")

test_a_shared_account if breaks(array.concat(functions(function), functions(object.union(function, {"name": "auth"}))), "share the account")

test_primitive_roles if {
	breaks([resource("google_project_iam_member", {"role": "roles/editor", "member": "user:k@example.com"})], "primitive role")
	holds([resource("google_project_iam_member", {"role": "roles/datastore.user", "member": "serviceAccount:a"})])
}

test_everybody if {
	caller := resource("google_cloud_run_v2_service_iam_member", {"name": "orders", "location": "europe-west1", "role": "roles/run.invoker", "member": "allUsers"})
	holds(array.concat(functions(function), [caller]))
	breaks(array.concat(functions(service({"ingress_settings": "ALLOW_INTERNAL_ONLY"})), [caller]), "is open to allUsers")
	breaks([resource("google_storage_bucket_iam_member", {"role": "roles/storage.objectViewer", "member": "allUsers"})], "is open to allUsers")
	holds([resource("google_storage_bucket_iam_member", {"bucket": "hub-status", "role": "roles/storage.legacyObjectReader", "member": "allUsers"})])
	breaks([resource("google_storage_bucket_iam_member", {"bucket": "hub-status", "role": "roles/storage.objectViewer", "member": "allUsers"})], "is open to allUsers")
	breaks([resource("google_storage_bucket_iam_member", {"bucket": "hub-backup", "role": "roles/storage.legacyObjectReader", "member": "allUsers"})], "is open to allUsers")
	breaks([resource("google_storage_bucket_iam_binding", {"role": "roles/storage.objectViewer", "members": ["allAuthenticatedUsers"]})], "is open to allAuthenticatedUsers")
}

test_keys_of_accounts if breaks([resource("google_service_account_key", {"service_account_id": "a"})], "can be stolen")

test_whoever_manages_keys if {
	admin := resource("google_kms_key_ring_iam_member", {"role": "roles/cloudkms.admin", "member": "user:k@example.com"})
	breaks([admin, resource("google_kms_crypto_key_iam_member", {"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "member": "user:k@example.com"})], "manages keys")
	holds([admin, resource("google_kms_crypto_key_iam_member", {"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "member": "serviceAccount:a"})])
}

key := {"purpose": "ENCRYPT_DECRYPT", "rotation_period": "7776000s", "destroy_scheduled_duration": "7776000s", "deletion_policy": "PREVENT"}

test_keys if {
	holds([resource("google_kms_crypto_key", key)])
	holds([resource("google_kms_crypto_key", object.union(key, {"purpose": "ASYMMETRIC_SIGN", "rotation_period": null}))])
	breaks([resource("google_kms_crypto_key", object.union(key, {"rotation_period": "7862400s"}))], "does not rotate")
	breaks([resource("google_kms_crypto_key", object.union(key, {"rotation_period": null}))], "does not rotate")
	breaks([resource("google_kms_crypto_key", object.union(key, {"destroy_scheduled_duration": "86400s"}))], "within 30 days")
	breaks([resource("google_kms_crypto_key", object.union(key, {"deletion_policy": "DELETE"}))], "by Terraform")
	breaks([resource("google_kms_key_ring", {"location": "europe-west1"})], "more than one region")
	breaks([resource("google_kms_key_ring", {"location": "us"})], "more than one region")
}

bucket := {
	"location": "EU", "rpo": "ASYNC_TURBO", "uniform_bucket_level_access": true, "public_access_prevention": "enforced", "force_destroy": false,
	"custom_placement_config": [{"data_locations": ["EUROPE-WEST1", "EUROPE-WEST4"]}],
	"encryption": [{"default_kms_key_name": "k"}], "retention_policy": [{"retention_period": "3024000"}],
}

test_buckets if {
	holds([resource("google_storage_bucket", bucket)])
	breaks([resource("google_storage_bucket", object.union(bucket, {"uniform_bucket_level_access": false}))], "single objects")
	breaks([resource("google_storage_bucket", object.union(bucket, {"public_access_prevention": "inherited"}))], "made public")
	holds([resource("google_storage_bucket", object.union(bucket, {"name": "hub-status", "public_access_prevention": "inherited"}))])
	breaks([resource("google_storage_bucket", object.union(bucket, {"force_destroy": true}))], "with what is in it")
	breaks([resource("google_storage_bucket", object.union(bucket, {"retention_policy": []}))], "neither retention nor versions")
	breaks([resource("google_storage_bucket", object.union(bucket, {"encryption": []}))], "a key of our own")
	breaks([resource("google_storage_bucket", object.union(bucket, {"rpo": "DEFAULT"}))], "second region late")
	breaks([resource("google_storage_bucket", object.union(bucket, {"location": "US"}))], "outside Europe")
	breaks([resource("google_storage_bucket", object.union(bucket, {"custom_placement_config": [{"data_locations": ["EUROPE-WEST1", "US-EAST1"]}]}))], "outside Europe")
	holds([resource("google_storage_bucket", object.union(bucket, {"retention_policy": [], "versioning": [{"enabled": true}]}))])
}

database := {
	"location_id": "eur3", "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_ENABLED",
	"delete_protection_state": "DELETE_PROTECTION_ENABLED", "cmek_config": [{"kms_key_name": "k"}],
}

daily := resource("google_firestore_backup_schedule", {"retention": "1209600s", "daily_recurrence": [{}], "weekly_recurrence": []})

weekly := resource("google_firestore_backup_schedule", {"retention": "2419200s", "daily_recurrence": [], "weekly_recurrence": [{"day": "SUNDAY"}]})

test_the_database if {
	holds([resource("google_firestore_database", database), daily, weekly])
	breaks([resource("google_firestore_database", object.union(database, {"point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_DISABLED"}))], "point-in-time")
	holds([resource("google_firestore_database", object.union(database, {"name": "scratch", "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_DISABLED"})), daily, weekly])
	breaks([resource("google_firestore_database", object.union(database, {"name": "scratch"}))], "keeps what drills restored")
	breaks([resource("google_firestore_database", object.union(database, {"delete_protection_state": "DELETE_PROTECTION_DISABLED"}))], "can be deleted")
	breaks([resource("google_firestore_database", object.union(database, {"location_id": "europe-west1"}))], "two regions")
	breaks([resource("google_firestore_database", object.union(database, {"cmek_config": []}))], "a key of our own")
	breaks([resource("google_firestore_database", database), daily], "no backup of the kind weekly")
	breaks([object.union(daily, {"change": {"after": {"retention": "8467200s", "daily_recurrence": [{}], "weekly_recurrence": []}}})], "longer than 28 days")
}

test_rules if {
	breaks([resource("google_firebaserules_ruleset", {"source": [{"files": [{"content": "allow read: if true;"}]}]})], "lets somebody")
	breaks([resource("google_firebaserules_ruleset", {"source": [{"files": [{"content": "allow read, write;"}]}]})], "lets somebody")
	holds([resource("google_firebaserules_ruleset", {"source": [{"files": [{"content": "allow read, write: if false;"}]}]})])
}

subscription := {
	"name": "orders", "ack_deadline_seconds": 90, "expiration_policy": [{"ttl": ""}], "dead_letter_policy": [{"max_delivery_attempts": 100}],
	"push_config": [{"push_endpoint": "https://x", "oidc_token": [{"service_account_email": "push@p"}]}],
}

pushed(change) := array.concat(functions(function), [resource("google_pubsub_subscription", object.union(subscription, change))])

test_subscriptions if {
	holds(pushed({}))
	breaks(pushed({"dead_letter_policy": []}), "no dead letters")
	breaks(pushed({"push_config": [{"push_endpoint": "https://x", "oidc_token": []}]}), "without a token")
	breaks(pushed({"ack_deadline_seconds": 59}), "sends again after 59 s")
	breaks(pushed({"expiration_policy": [{"ttl": "2678400s"}]}), "expires")
	breaks(pushed({"name": "nobody"}), "to no function")
}

test_topics if {
	storage := {"message_storage_policy": [{"allowed_persistence_regions": ["europe-west1"]}]}
	dead := resource("google_pubsub_topic", object.union(storage, {"name": "orders-dead"}))
	breaks([dead], "would be gone")
	holds([dead, resource("google_pubsub_subscription", {"name": "orders-dead", "expiration_policy": [{"ttl": ""}]})])
	breaks([resource("google_pubsub_topic", {"name": "events", "message_storage_policy": []})], "outside Europe")
	breaks([resource("google_pubsub_topic", {"name": "events", "message_storage_policy": [{"allowed_persistence_regions": ["us-east1"]}]})], "outside Europe")
}

test_connections if {
	holds([resource("google_compute_ssl_policy", {"profile": "RESTRICTED", "min_tls_version": "TLS_1_2"})])
	breaks([resource("google_compute_ssl_policy", {"profile": "MODERN", "min_tls_version": "TLS_1_2"})], "old connections")
	breaks([resource("google_compute_ssl_policy", {"profile": "RESTRICTED", "min_tls_version": "TLS_1_0"})], "old connections")
	breaks([resource("google_compute_target_https_proxy", {"ssl_policy": null})], "no policy for its connections")
}

backend := {"security_policy": "p", "outlier_detection": [{"consecutive_errors": 5}], "log_config": [{"enable": true}]}

test_backends if {
	holds([resource("google_compute_backend_service", backend)])
	breaks([resource("google_compute_backend_service", object.union(backend, {"security_policy": null}))], "Cloud Armor")
	breaks([resource("google_compute_backend_service", object.union(backend, {"outlier_detection": []}))], "keeps a region")
	breaks([resource("google_compute_backend_service", object.union(backend, {"log_config": []}))], "is not logged")
}

test_alerts if {
	words := concat("", [w | some _ in numbers.range(1, 60); w := "word "])
	alert := {"documentation": [{"content": words}], "notification_channels": ["c"]}
	holds([resource("google_monitoring_alert_policy", alert)])
	breaks([resource("google_monitoring_alert_policy", object.union(alert, {"documentation": []}))], "no runbook")
	breaks([resource("google_monitoring_alert_policy", object.union(alert, {"documentation": [{"content": "# poison"}]}))], "no runbook")
	breaks([resource("google_monitoring_alert_policy", object.union(alert, {"notification_channels": []}))], "tells nobody")
	breaks([resource("google_logging_project_bucket_config", {"retention_days": 30})], "forgets")
}

pinned := "go@sha256:0000000000000000000000000000000000000000000000000000000000000000"

trigger := {
	"service_account": "a", "substitutions": {"_GO_IMAGE": pinned}, "approval_config": [{"approval_required": true}],
	"build": [{"step": [{"name": pinned, "args": ["apply"]}]}],
}

test_triggers if {
	holds([resource("google_cloudbuild_trigger", trigger)])
	breaks([resource("google_cloudbuild_trigger", object.union(trigger, {"substitutions": {"_GO_IMAGE": "golang:1.26"}}))], "which can change")
	breaks([resource("google_cloudbuild_trigger", object.union(trigger, {"build": [{"step": [{"name": "golang", "args": []}]}]}))], "which can change")
	breaks([resource("google_cloudbuild_trigger", object.union(trigger, {"approval_config": []}))], "without an approval")
	breaks([resource("google_iam_workload_identity_pool_provider", {"attribute_condition": "true"})], "every repository")
}

# What a plan does not change, and what it reads, is not looked at.
test_data_sources_and_deletions if {
	holds([object.union(resource("google_storage_bucket", bucket), {"change": {"after": null}})])
	holds([object.union(resource("google_storage_bucket", {}), {"mode": "data"})])
}
