package password

// HashWith is Hash with other parameters, as an older release may have had.
func HashWith(memory, passes uint32, text string, pepper Pepper, salt Salt) string {
	k := kind{memory: memory, passes: passes, lanes: lanes, pepper: pepper.ID}
	return k.encode(salt[:], k.tag(text, pepper, salt[:]))
}

// List returns the list of common passwords.
func List() []string { return common() }
