package kms

import (
	"encoding/base64"
	"math"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// query is what list requests have in common.
type query interface {
	GetPageSize() int32
	GetPageToken() string
	GetFilter() string
	GetOrderBy() string
}

// page is one page of a list.
type page struct {
	after string // the name that the page before ended with
	size  int
}

// newPage reads a request's page. Filters and orders are not part of this server.
func newPage(q query) (page, error) {
	if q.GetFilter() != "" || q.GetOrderBy() != "" {
		return page{}, status.Error(codes.Unimplemented, "filter and order_by are not part of this server")
	}
	after, err := base64.RawURLEncoding.DecodeString(q.GetPageToken())
	if err != nil || q.GetPageSize() < 0 {
		return page{}, status.Error(codes.InvalidArgument, "The page_token or the page_size is invalid.")
	}
	p := page{after: string(after), size: min(int(q.GetPageSize()), maxPage)}
	if p.size == 0 {
		p.size = defaultPage
	}
	return p, nil
}

// cut returns the page's names out of all names, which it sorts, and the token of the page that follows.
func (p page) cut(names []string) (on []string, next string) {
	slices.Sort(names)
	start, found := slices.BinarySearch(names, p.after)
	if found {
		start++
	}
	rest := names[start:]
	if len(rest) <= p.size {
		return rest, ""
	}
	on = rest[:p.size]
	return on, base64.RawURLEncoding.EncodeToString([]byte(on[p.size-1]))
}

// below returns the names of the resources right below a parent, whose name ends in a slash.
func below[T any](resources map[string]T, parent string) []string {
	var names []string
	for name := range resources {
		if id, ok := strings.CutPrefix(name, parent); ok && !strings.Contains(id, "/") {
			names = append(names, name)
		}
	}
	return names
}

func size[T any](all []T) int32 { return int32(min(len(all), math.MaxInt32)) }
