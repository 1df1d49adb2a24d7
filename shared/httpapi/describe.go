package httpapi

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Content describes a body that a raw handler reads or writes itself, or a message that the hub sends.
type Content struct {
	Type string // the media type; "" is application/json
	Of   any    // a value of the struct that the body decodes to, or nil where the body is whatever a partner makes of it
}

// describe fills in what huma cannot see of a raw handler: its path's parameters, its bodies and its problems.
func describe(doc huma.API, op *huma.Operation, route Route) {
	op.Parameters = pathParameters(route.Path)
	op.Path = strings.ReplaceAll(route.Path, "...}", "}") // OpenAPI knows no wildcard for several segments
	if len(route.Takes) > 0 {
		op.RequestBody = &huma.RequestBody{Required: true, Content: media(doc, route.Takes)}
	}
	op.Responses = map[string]*huma.Response{}
	if len(route.Gives) == 0 {
		op.Responses[strconv.Itoa(op.DefaultStatus)] = &huma.Response{Description: http.StatusText(op.DefaultStatus)}
	}
	for status, contents := range route.Gives {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: media(doc, contents)}
	}
	problem := media(doc, []Content{{Type: (&Problem{}).ContentType(""), Of: Problem{}}})
	for _, status := range append(op.Errors, http.StatusInternalServerError) {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = &huma.Response{Description: http.StatusText(status), Content: problem}
		}
	}
}

func media(doc huma.API, contents []Content) map[string]*huma.MediaType {
	all := make(map[string]*huma.MediaType, len(contents))
	for _, c := range contents {
		if c.Type == "" {
			c.Type = "application/json"
		}
		all[c.Type] = &huma.MediaType{Schema: schemaOf(doc.OpenAPI().Components.Schemas, c.Of)}
	}
	return all
}

func schemaOf(registry huma.Registry, v any) *huma.Schema {
	if v == nil {
		return &huma.Schema{Description: "As the partner documents it."}
	}
	t := reflect.TypeOf(v)
	return registry.Schema(t, true, t.Name())
}

// pathParameters returns the wildcards of a net/http pattern's path.
func pathParameters(path string) []*huma.Param {
	var params []*huma.Param
	for segment := range strings.SplitSeq(path, "/") {
		name, found := strings.CutPrefix(segment, "{")
		if name = strings.TrimRight(name, ".}"); found && name != "$" {
			params = append(params, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	return params
}

// Webhook describes a message that the hub sends by itself, under `webhooks` of OpenAPI 3.1. The headers are those of
// Standard Webhooks.
func (a *API) Webhook(name, summary string, body Content) {
	a.parts = append(a.parts, func(doc huma.API) {
		if doc.OpenAPI().Webhooks == nil {
			doc.OpenAPI().Webhooks = map[string]*huma.PathItem{}
		}
		doc.OpenAPI().Webhooks[name] = &huma.PathItem{Post: a.message(doc, name, summary, body)}
	})
}

func (a *API) message(doc huma.API, name, summary string, body Content) *huma.Operation {
	return &huma.Operation{
		OperationID: "receive-" + strings.NewReplacer(".", "-", "_", "-").Replace(name), Summary: summary, Tags: []string{a.opts.Name},
		Parameters: []*huma.Param{
			signatureHeader("webhook-id", "The event's id, the same over all attempts."),
			signatureHeader("webhook-timestamp", "Seconds since 1970 of this attempt; refuse what is more than five minutes away."),
			signatureHeader("webhook-signature", "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; during a rotation two, with a space between."),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: media(doc, []Content{body})},
		Responses: map[string]*huma.Response{
			"2XX": {Description: "Taken. Everything else is sent again for three days."},
			"410": {Description: "Never again: the endpoint is switched off."},
		},
	}
}

func signatureHeader(name, about string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Required: true, Description: about, Schema: &huma.Schema{Type: "string"}}
}
