# Messages.
package main

pushing contains r if {
	some r in of_type("google_pubsub_subscription")
	count(r.change.after.push_config) > 0
}

deny contains msg if {
	some r in pushing
	count(object.get(r.change.after, "dead_letter_policy", [])) == 0
	msg := sprintf("%s has no dead letters", [r.address])
}

deny contains msg if {
	some r in pushing
	not proves_itself(r)
	msg := sprintf("%s pushes without a token", [r.address])
}

proves_itself(r) if count(one(r, "push_config").oidc_token) > 0

# A subscription has its function's name.
deny contains msg if {
	some r in pushing
	some f in of_type("google_cloudfunctions2_function")
	f.change.after.name == r.change.after.name
	r.change.after.ack_deadline_seconds < one(f, "service_config").timeout_seconds
	msg := sprintf("%s sends again after %d s while the function may take %d", [r.address, r.change.after.ack_deadline_seconds, one(f, "service_config").timeout_seconds])
}

deny contains msg if {
	some r in pushing
	count(of_type("google_cloudfunctions2_function")) > 0
	count({f | some f in of_type("google_cloudfunctions2_function"); f.change.after.name == r.change.after.name}) == 0
	msg := sprintf("%s pushes to no function of its name", [r.address])
}

deny contains msg if {
	some r in of_type("google_pubsub_subscription")
	not one(r, "expiration_policy").ttl == ""
	msg := sprintf("%s expires when it is quiet", [r.address])
}

# Dead letters that nobody subscribes to are gone.
deny contains msg if {
	some t in of_type("google_pubsub_topic")
	endswith(t.change.after.name, "-dead")
	count({s | some s in of_type("google_pubsub_subscription"); s.change.after.name == t.change.after.name}) == 0
	msg := sprintf("%s has no subscription: dead letters would be gone", [t.address])
}

deny contains msg if {
	some r in of_type("google_pubsub_topic")
	not in_europe(r)
	msg := sprintf("%s may keep messages outside Europe", [r.address])
}

in_europe(r) if {
	places := one(r, "message_storage_policy").allowed_persistence_regions
	count(places) > 0
	every place in places {
		startswith(place, "europe-")
	}
}
