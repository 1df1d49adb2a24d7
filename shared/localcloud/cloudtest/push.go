package cloudtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Push hands a function a message, as a push subscription does, and wants it taken.
func Push(tb testing.TB, function http.Handler, data []byte) {
	tb.Helper()
	body := fmt.Sprintf(`{"message":{"data":%q,"messageId":"1","publishTime":"2026-03-01T12:00:00Z"},"subscription":"projects/p/subscriptions/s"}`,
		base64.StdEncoding.EncodeToString(data))
	rec := httptest.NewRecorder()
	function.ServeHTTP(rec, httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(body)))
	if rec.Code != http.StatusNoContent {
		tb.Errorf("the message %.200s is answered %d %s", data, rec.Code, rec.Body)
	}
}

// mostSteps is more than any work of a test takes, so that one without an end fails.
const mostSteps = 1000

// PushSteps hands a function a message, and after it all that is published on the function's topic from then on, until
// there is nothing more: a function that does its work in steps sends itself the next ones.
func (c *Cloud) PushSteps(tb testing.TB, function http.Handler, topic string, first []byte) {
	tb.Helper()
	before := len(c.Published(tb, topic))
	Push(tb, function, first)
	for next := before; !tb.Failed(); next++ {
		sent := c.Published(tb, topic)
		if next == len(sent) {
			return
		}
		if next-before == mostSteps {
			tb.Fatalf("a function sent itself %d messages and does not end", mostSteps)
		}
		Push(tb, function, sent[next].Data)
	}
}
