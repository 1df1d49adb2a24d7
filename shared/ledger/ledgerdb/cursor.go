package ledgerdb

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

// Cursor returns where a list that is ordered by a time and the document's id goes on. Callers keep it as it is.
func Cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixMicro(), 10) + " " + id))
}

// ParseCursor reads what [Cursor] wrote. Anything else is [fault.Invalid].
func ParseCursor(text string) (at time.Time, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	micros, id, ok := strings.Cut(string(raw), " ")
	n, numErr := strconv.ParseInt(micros, 10, 64)
	at = time.UnixMicro(n).UTC()
	if err != nil || !ok || numErr != nil || !isName(id) || !Timely(at).Equal(at) {
		return time.Time{}, "", fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.cursor", Message: "must be a nextCursor, as it was given"})
	}
	return at, id, nil
}

// isName tells whether Firestore takes an id as a document's; see https://firebase.google.com/docs/firestore/quotas.
func isName(id string) bool {
	reserved := len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__")
	return id != "" && id != "." && id != ".." && len(id) <= maxName && utf8.ValidString(id) && !strings.Contains(id, "/") && !reserved
}

// maxName is how long a document's id can be, in bytes.
const maxName = 1500

// Timely returns the time, or the nearest one that a document can hold: what is compared with it compares the same.
func Timely(at time.Time) time.Time {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	switch {
	case at.Before(first):
		return first
	case at.After(last):
		return last
	default:
		return at
	}
}
