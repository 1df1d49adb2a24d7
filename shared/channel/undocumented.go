package channel

// Some platforms do not document publicly how they prove their webhooks: partners are told, and what we know is from
// integrations. An adapter of one of them is [Adapter.Off] until an operator of the hub has found that the platform sends
// a secret that only the two of us know, in a header of its own or as Basic credentials, and says so on the link.

// authorization is where such a secret mostly stands.
const authorization = "Authorization"

// optionScheme chooses among the schemes that an adapter knows.
const optionScheme = "scheme"

// secretOrBasic returns how such a platform proves its webhooks: a secret in a header, or Basic credentials.
func secretOrBasic(o Options) Signature {
	if o[optionScheme] == string(Basic) {
		return Signature{Scheme: Basic, Header: authorization}
	}
	return Signature{Scheme: SharedSecret, Header: either(o["header"], authorization), Prefix: o["prefix"]}
}

// secretOptions are the options that secretOrBasic reads.
func secretOptions() []Option {
	return []Option{
		{Name: optionScheme, Values: []string{string(SharedSecret), string(Basic)}, Doc: "How webhooks are proven; by default by a secret in a header."},
		{Name: "header", Doc: "The header with the secret; by default Authorization."},
		{Name: "prefix", Doc: "What stands before the secret in the header, such as \"Bearer \"."},
	}
}
