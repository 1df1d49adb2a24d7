package storage

import (
	"encoding/json"
	"strings"
)

// selection is what is asked for of a resource: fields by name, each with what is asked for of it, nothing for all of it.
// https://docs.cloud.google.com/storage/docs/json_api#partial-response
type selection map[string]selection

// parseSelection reads a list like "nextPageToken,items(name,owner/entity)".
func parseSelection(text string) (selection, error) {
	s, rest := selection{}, text
	if !s.parse(&rest) || rest != "" {
		return nil, invalid("Invalid field selection %s", text)
	}
	return s, nil
}

// parse takes fields from the front of a text, up to its end or a closing parenthesis.
func (s selection) parse(text *string) bool {
	for s.parseField(text) {
		if !take(text, ",") {
			return true
		}
	}
	return false
}

// parseField takes one field. Wildcards are not known here.
func (s selection) parseField(text *string) bool {
	end := strings.IndexAny(*text+",", ",/()*")
	name, of := (*text)[:end], selection{}
	s[name], *text = of, (*text)[end:]
	switch {
	case name == "":
		return false
	case take(text, "/"):
		return of.parseField(text)
	case take(text, "("):
		return of.parse(text) && take(text, ")")
	}
	return true
}

// take takes a sign from the front of a text if it is there.
func take(text *string, sign string) (found bool) {
	*text, found = strings.CutPrefix(*text, sign)
	return found
}

// of returns what of a resource was asked for.
func (s selection) of(resource any) (any, error) {
	text, err := json.Marshal(resource)
	if err != nil {
		return nil, err
	}
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	return s.from(all), nil
}

func (s selection) from(all any) any {
	if len(s) == 0 {
		return all
	}
	switch all := all.(type) {
	case map[string]any:
		some := map[string]any{}
		for name, of := range s {
			if v, ok := all[name]; ok {
				some[name] = of.from(v)
			}
		}
		return some
	case []any:
		for i, v := range all {
			all[i] = s.from(v)
		}
	}
	return all
}
