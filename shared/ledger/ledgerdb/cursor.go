package ledgerdb

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

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
	if err != nil || !ok || numErr != nil || id == "" || strings.Contains(id, "/") {
		return time.Time{}, "", fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.cursor", Message: "must be a nextCursor, as it was given"})
	}
	return time.UnixMicro(n).UTC(), id, nil
}
