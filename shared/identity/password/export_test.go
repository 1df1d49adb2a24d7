package password

// List returns the list of common passwords.
func List() []string { return common() }
