package webhook

// Call is a request to somebody outside, as a description: who makes it is package outbound.
type Call struct {
	Method string
	URL    string
	Header map[string]string
	Body   []byte
}
