package password

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the list
	"io"
	"slices"
	"strings"
	"sync"
)

//go:embed common.txt.gz
var commonGzip []byte

// common is the list, sorted, unpacked once.
var common = sync.OnceValue(func() []string { //nolint:gochecknoglobals // constant data, unpacked when first asked
	packed, err := gzip.NewReader(bytes.NewReader(commonGzip))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
})

// Common tells whether the text is one of the common passwords, which are in lower case.
func Common(text string) bool {
	_, found := slices.BinarySearch(common(), text)
	return found
}
