package objects_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"google.golang.org/api/googleapi"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
)

// script answers requests one after the other, the last answer for ever.
type script struct {
	answers []answer
	asked   int
}

// answer is a status with a body and checksums, or a connection that breaks.
type answer struct {
	status int
	body   io.Reader
	hash   []string
	breaks error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	a := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	if a.breaks != nil {
		return nil, a.breaks
	}
	header := http.Header{"X-Goog-Generation": {"7"}, "X-Goog-Hash": a.hash}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(a.body), Request: r}, nil
}

// says is the answer with a status, a text, and checksums.
func says(status int, text string, hash ...string) answer {
	return answer{status: status, body: strings.NewReader(text), hash: hash}
}

func (s *script) bucket(t *testing.T) objects.Bucket {
	t.Helper()
	client, err := objects.Open(t.Context(), gcp.Config{StorageHost: "storage.invalid"}, s)
	if err != nil {
		t.Fatal(err)
	}
	return client.Bucket("b")
}

// hashOfContent is what Cloud Storage says of "content", computed by another implementation.
const hashOfContent = "crc32c=Ya91Mw=="

func TestReadingIsTriedAgainWhileItMayPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{
			says(http.StatusServiceUnavailable, ""), says(http.StatusTooManyRequests, ""),
			{breaks: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}, {breaks: io.EOF}, {breaks: &net.DNSError{IsTemporary: true}},
			{status: http.StatusOK, body: io.MultiReader(strings.NewReader("con"), iotest.ErrReader(io.ErrUnexpectedEOF))},
			says(http.StatusOK, "content", hashOfContent+",md5=x"),
		}}
		data, generation, err := s.bucket(t).Load(t.Context(), "o")
		if err != nil || string(data) != "content" || generation != 7 || s.asked != len(s.answers) {
			t.Errorf("read %q of generation %d in %d requests: %v", data, generation, s.asked, err)
		}
	})
}

func TestWhatDoesNotPassIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer answer
		is     error
	}{
		"not there":         {says(http.StatusNotFound, ""), fs.ErrNotExist},
		"forbidden":         {says(http.StatusForbidden, ""), nil},
		"no such host":      {answer{breaks: &net.DNSError{IsNotFound: true}}, nil},
		"damaged":           {says(http.StatusOK, "contend", "md5=x", hashOfContent), nil},
		"without checksum":  {says(http.StatusOK, "content", "md5=x"), nil},
		"cancelled already": {answer{breaks: context.Canceled}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: []answer{c.answer}}
			data, err := s.bucket(t).Read(t.Context(), "o")
			if err == nil || data != nil || s.asked != 1 || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("read %q in %d requests: %v", data, s.asked, err)
			}
		})
	}
}

func TestWhoWaitsTooLongHearsWhatItMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{says(http.StatusServiceUnavailable, "")}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := s.bucket(t).List(ctx, "", "")
		var answer *googleapi.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &answer) || answer.Code != http.StatusServiceUnavailable || s.asked < 3 {
			t.Errorf("after %d requests: %v", s.asked, err)
		}
	})
}

// A write that failed may have come through: its caller looks, and nothing is sent behind its back.
func TestAWriteIsSentOnce(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{says(http.StatusServiceUnavailable, "")}}
	b := s.bucket(t)
	writes := []error{
		b.Create(t.Context(), "o", []byte("content")), b.Replace(t.Context(), "o", []byte("content"), 7),
		b.CreateNoted(t.Context(), "o", []byte("content"), "note"), b.Publish(t.Context(), "o", "text/html", []byte("content")),
	}
	for i, err := range writes {
		if err == nil {
			t.Errorf("write %d came through", i)
		}
	}
	if s.asked != len(writes) {
		t.Errorf("%d requests for %d writes", s.asked, len(writes))
	}
}
