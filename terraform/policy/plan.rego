# What the rules of this folder read: the resources that a plan makes or changes. A value that is known only after applying
# is in `unknown` and breaks no rule.
package main

planned contains r if {
	some r in input.resource_changes
	r.mode == "managed"
	filled(r.change.after)
}

# A value that is left out is null in a plan, and null is not false.
filled(value) if not value in {null, "", false}

of_type(type) := {r | some r in planned; r.type == type}

unknown(r, name) if r.change.after_unknown[name] == true

unknown(r, name) if {
	some part in r.change.after_unknown[name]
	part == true
}

# given tells whether a resource has a value, has whether its block does. Both are rules and not expressions, because a
# value that is not there ends a rule even inside `not`.
given(r, name) if filled(r.change.after[name])

has(r, block, name) if filled(r.change.after[block][0][name])

# one gives the only block of a name, or an empty one.
one(r, name) := object.get(r.change.after, [name, 0], {})

# texts are all texts that a resource holds, however deep.
texts(r) := {text |
	walk(r.change.after, [_, text])
	is_string(text)
}

is_iam(type) if regex.match(`^google_.*_iam_(member|binding)$`, type)

members(r) := {m | some m in r.change.after.members} | {m | m := r.change.after.member; filled(m)}
