package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// CardNumbers returns the locations of the order's texts that contain a card number (see [CardNumber]).
func (o Order) CardNumbers() []string {
	var found []string
	o.eachText(func(at location, text *string, _ int) {
		if CardNumber(*text) {
			found = append(found, at.String())
		}
	})
	return found
}

// MaskCards returns the order with every card number in its texts and in Extra masked.
func (o Order) MaskCards() Order {
	o = o.clone()
	o.eachText(func(_ location, text *string, _ int) { *text, _ = MaskCardsIn(*text) })
	if len(o.Extra) == 0 {
		return o
	}
	extra := make(map[string]jsontext.Value, len(o.Extra))
	for path, value := range o.Extra {
		extra[path] = value
		if !FixedName(lastName(path)) {
			if masked, _, err := MaskCardsInJSON(value); err == nil {
				extra[path] = masked
			}
		}
	}
	o.Extra = extra
	return o
}

// lastName returns the last member name of a path such as `items[0].productTags`.
func lastName(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ := strings.Cut(path, "[")
	return name
}

// MaskCardsInJSON returns JSON text with every card number in it masked, and where they were. Only string values change,
// and of those only what a person may have written: a member whose name is a [FixedName] stays as it is, and so does
// everything else, byte for byte. Text without a card number is returned as it came, whether or not it is JSON; text
// with one that is not strict JSON (RFC 8259, no repeated names, valid UTF-8) is an error.
func MaskCardsInJSON(raw []byte) (masked []byte, at []jsontext.Pointer, err error) {
	if !bytes.Contains(raw, []byte(`\u`)) && !CardNumber(string(raw)) {
		return raw, nil, nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	rest := int64(0)
	for {
		value, err := nextText(dec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("mask card numbers: %w", err)
		}
		if changed, ok := maskValue(dec, value); ok {
			end := dec.InputOffset()
			masked = append(append(masked, raw[rest:end-int64(len(value))]...), changed...)
			rest, at = end, append(at, dec.StackPointer())
		}
	}
	if rest == 0 {
		return raw, nil, nil
	}
	return append(masked, raw[rest:]...), at, nil
}

// nextText reads up to and with the next string value. The error is io.EOF, and nothing else, at the end.
func nextText(dec *jsontext.Decoder) (jsontext.Value, error) {
	for dec.PeekKind() != '"' || atName(dec) {
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
		if dec.StackDepth() > maxNesting {
			return nil, errors.New("nested too deep")
		}
	}
	return dec.ReadValue()
}

// maxNesting bounds how deep JSON may nest: the place of a text costs as much as it is deep.
const maxNesting = 200

// maskValue masks the string that the decoder has just read, unless its name says that it is no free text.
func maskValue(dec *jsontext.Decoder, value jsontext.Value) (jsontext.Value, bool) {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil || few(string(text)) || FixedName(nameOf(dec)) {
		return nil, false
	}
	masked, ok := MaskCardsIn(string(text))
	if !ok {
		return nil, false
	}
	quoted, err := jsontext.AppendQuote(nil, masked)
	return quoted, err == nil
}

// atName tells whether what the decoder reads next is a member's name.
func atName(dec *jsontext.Decoder) bool {
	kind, length := dec.StackIndex(dec.StackDepth())
	return kind == '{' && length%2 == 0
}

// nameOf returns the name of the member that the decoder has just read or is inside of.
func nameOf(dec *jsontext.Decoder) string {
	pointer := dec.StackPointer()
	for depth := dec.StackDepth(); depth > 0; depth-- {
		if kind, _ := dec.StackIndex(depth); kind == '{' {
			return pointer.LastToken()
		}
		pointer = pointer.Parent()
	}
	return ""
}

// FixedName tells from a JSON member's name that its value is not free text but an id, a code, a contact or a time, in
// which a card number has no business and a look-alike must not be touched: `channelOrderId`, `plu`, `phoneNumber`,
// `pickup_time`, `createdAt`.
func FixedName(name string) bool {
	words := splitName(name)
	for _, word := range words {
		if word == "phone" || word == "mobile" || word == "barcode" || word == "uuid" {
			return true
		}
	}
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "id", "ids", "plu", "plus", "sku", "ean", "gtin", "upc", "tin", "time", "at", "date", "timestamp",
		"stamp", "email", "url", "uri", "hash", "digest", "signature":
		return true
	}
	return false
}

// splitName splits a member's name into its words in lower case: `channelOrderID`, `channel_order_id`.
func splitName(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower || !unicode.IsLetter(r) {
			end()
		}
		lower = unicode.IsLower(r)
		if unicode.IsLetter(r) {
			word.WriteRune(unicode.ToLower(r))
		}
	}
	end()
	return words
}
