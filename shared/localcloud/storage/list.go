package storage

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxPage = 1000

// listing is a page of a list of objects.
type listing struct {
	Kind     string           `json:"kind"`
	Items    []objectResource `json:"items,omitempty"`
	Prefixes []string         `json:"prefixes,omitempty"`
	Next     string           `json:"nextPageToken,omitempty"`
}

// window is which names a list is about.
type window struct {
	prefix, delimiter, start, end, after string
	size                                 int
}

func windowOf(q url.Values) (w window, err error) {
	for _, unheeded := range []string{"matchGlob", "softDeleted", "filter", "includeFoldersAsPrefixes"} {
		if v := q.Get(unheeded); v != "" && v != "false" {
			return w, invalid("%s is not heeded here.", unheeded)
		}
	}
	w = window{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), start: q.Get("startOffset"), end: q.Get("endOffset"), size: maxPage}
	if text := q.Get("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return w, invalid("Invalid value for maxResults: %q.", text)
		}
		if n > 0 {
			w.size = min(n, maxPage)
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Get("pageToken"))
	if err != nil {
		return w, invalid("Invalid page token.")
	}
	w.after = string(after)
	return w, nil
}

// fold is the prefix that a name is folded into by the delimiter, empty for none.
func (w window) fold(name string) string {
	if w.delimiter == "" {
		return ""
	}
	rest := name[len(w.prefix):]
	if i := strings.Index(rest, w.delimiter); i >= 0 {
		return name[:len(w.prefix)+i+len(w.delimiter)]
	}
	return ""
}

func (s *Server) listObjects(_ http.ResponseWriter, r *http.Request) (any, error) {
	w, err := windowOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(r.PathValue("bucket"))
	if err != nil {
		return nil, err
	}
	return w.list(b), nil
}

// listed is an object as lists show it: without the checksums, which Cloud Storage leaves out where objects are encrypted
// with a key of the customer's, as the hub's are.
// https://docs.cloud.google.com/storage/docs/encryption/customer-managed-keys#restrictions
func (o *object) listed() objectResource {
	listed := o.objectResource
	listed.CRC32C, listed.MD5Hash = "", ""
	return listed
}

func (w window) list(b *bucket) *listing {
	page := &listing{Kind: "storage#objects"}
	names := b.names()
	from, _ := slices.BinarySearch(names, max(w.prefix, w.start, w.after))
	last := ""
	for _, name := range names[from:] {
		if !strings.HasPrefix(name, w.prefix) || w.end != "" && name >= w.end {
			break
		}
		folded := w.fold(name)
		if w.after != "" && (name <= w.after || folded != "" && folded == w.after) || folded != "" && folded == last {
			continue
		}
		if len(page.Items)+len(page.Prefixes) == w.size {
			page.Next = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		if last = name; folded != "" {
			last = folded
			page.Prefixes = append(page.Prefixes, folded)
		} else {
			page.Items = append(page.Items, b.objects[name].retained(b).listed())
		}
	}
	return page
}
