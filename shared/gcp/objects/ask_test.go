package objects_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
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
	last    string // address and body of the last request
}

// answer is a status with a body and checksums, or a connection that breaks.
type answer struct {
	status int
	body   io.Reader
	hash   []string
	breaks error
	gunzip bool // net/http has decompressed the body
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.last = r.URL.RequestURI() + "\n"
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.last += string(body)
	}
	a := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	if a.breaks != nil {
		return nil, a.breaks
	}
	header := http.Header{"X-Goog-Generation": {"7"}, "X-Goog-Hash": a.hash}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(a.body), Request: r, Uncompressed: a.gunzip}, nil
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
			{breaks: errors.New("http2: client connection lost")}, {breaks: &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}},
			{breaks: fmt.Errorf("no token: %w", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})},
			{status: http.StatusOK, body: io.MultiReader(strings.NewReader("con"), iotest.ErrReader(errors.New("stream error: INTERNAL_ERROR")))},
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
		"not there":        {says(http.StatusNotFound, ""), fs.ErrNotExist},
		"forbidden":        {says(http.StatusForbidden, ""), nil},
		"no such host":     {answer{breaks: &net.DNSError{IsNotFound: true}}, nil},
		"damaged":          {says(http.StatusOK, "contend", "md5=x", hashOfContent), nil},
		"without checksum": {says(http.StatusOK, "content", "md5=x"), nil},
		"of no authority":  {answer{breaks: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}}, nil},
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

// Somebody's copy of a log may be stored as gzip: its checksum is of the bytes that are stored.
func TestWhatWasStoredCompressedIsRead(t *testing.T) {
	t.Parallel()
	a := says(http.StatusOK, "content", "crc32c=AAAAAA==")
	a.gunzip = true
	s := &script{answers: []answer{a}}
	if data, err := s.bucket(t).Read(t.Context(), "o"); err != nil || string(data) != "content" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestAWriteThatCameTooEarlyIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{says(http.StatusTooManyRequests, ""), says(http.StatusTooManyRequests, ""), says(http.StatusOK, "{}")}}
		if err := s.bucket(t).Replace(t.Context(), "o", []byte("content"), 7); err != nil || s.asked != 3 || !strings.Contains(s.last, "content") {
			t.Errorf("%d requests, %v", s.asked, err)
		}
	})
}

// Whoever may not delete may be told of an object that is there in another way than by its condition.
func TestCreatingIsForbiddenWhereSomethingIs(t *testing.T) {
	t.Parallel()
	known := func() answer {
		return says(http.StatusOK, `{"name":"o","crc32c":"Ya91Mw==","timeCreated":"2026-03-01T12:00:00Z"}`)
	}
	for content, want := range map[string]error{"content": nil, "another": objects.ErrExists} {
		s := &script{answers: []answer{says(http.StatusForbidden, ""), known(), says(http.StatusOK, "content", hashOfContent)}}
		if err := s.bucket(t).Create(t.Context(), "o", []byte(content)); !errors.Is(err, want) || s.asked != 3 {
			t.Errorf("%s: %d requests, %v", content, s.asked, err)
		}
	}
	noted := &script{answers: []answer{says(http.StatusForbidden, ""), known()}}
	if err := noted.bucket(t).CreateNoted(t.Context(), "o", []byte("content"), ""); !errors.Is(err, objects.ErrExists) {
		t.Errorf("with a note: %v", err)
	}
	none := &script{answers: []answer{says(http.StatusForbidden, ""), says(http.StatusNotFound, "")}}
	if err := none.bucket(t).Create(t.Context(), "o", []byte("content")); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("where nothing is: %v", err)
	}
}

func TestARefusalIsToldOnce(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{says(http.StatusForbidden, "")}}
	_, err := s.bucket(t).Look(t.Context(), "o")
	if err == nil || strings.Count(err.Error(), "403") != 1 {
		t.Errorf("refused with %v", err)
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
func TestAWriteIsSentOnceWithItsChecksum(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{says(http.StatusServiceUnavailable, "")}}
	b, data := s.bucket(t), []byte("content")
	for name, c := range map[string]struct {
		write func() error
		has   []string
	}{
		"create":  {func() error { return b.Create(t.Context(), "o", data) }, []string{"ifGenerationMatch=0&", `"contentType":"text/plain; charset=utf-8"`}},
		"replace": {func() error { return b.Replace(t.Context(), "o", data, 7) }, []string{"ifGenerationMatch=7&"}},
		"note":    {func() error { return b.CreateNoted(t.Context(), "o", data, "n") }, []string{"ifGenerationMatch=0&", `"metadata":{"ryggrad":"n"}`}},
		"publish": {func() error { return b.Publish(t.Context(), "o", "text/css", data) }, []string{`"contentType":"text/css"`, `"cacheControl":"public, max-age=60"`}},
	} {
		before := s.asked
		if err := c.write(); err == nil || s.asked != before+1 {
			t.Errorf("%s: %d requests, %v", name, s.asked-before, err)
		}
		for _, want := range append(c.has, `"crc32c":"Ya91Mw=="`, `"name":"o"`) {
			if !strings.Contains(s.last, want) {
				t.Errorf("%s lacks %s:\n%s", name, want, s.last)
			}
		}
	}
}
