package auth

import (
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

// pageInput asks for a part of a list.
type pageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"The nextCursor of the page before"`
}

// pageBody is a part of a list.
type pageBody[T any] struct {
	Items      []T    `json:"items" nullable:"false" doc:"At most limit; fewer where the credential does not reach some"`
	NextCursor string `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
}

// page asks the store for one more than the caller does, which tells whether there is another page. The cursor is the
// last id of the page before.
func (in pageInput) page(prefix string) (identitydb.Page, error) {
	if in.Cursor != "" && !identity.WellFormed(prefix, in.Cursor) {
		return identitydb.Page{}, fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.cursor", Message: "must be a nextCursor, as it was given"})
	}
	return identitydb.Page{After: in.Cursor, Limit: in.Limit + 1}, nil
}

// paged shows what was found of a page, as far as the caller may see it.
func paged[T, B any](in pageInput, found []T, id func(T) string, show func(T) (B, bool)) pageBody[B] {
	body := pageBody[B]{Items: []B{}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		body.NextCursor = id(found[in.Limit-1])
	}
	for _, one := range found {
		if shown, seen := show(one); seen {
			body.Items = append(body.Items, shown)
		}
	}
	return body
}
