package objects

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"
)

// ask makes a call that changes nothing, and makes it again while what it meets may pass, until ctx ends.
// https://docs.cloud.google.com/storage/docs/retry-strategy
func ask[T any](ctx context.Context, call func() (T, error)) (T, error) {
	return repeat(ctx, passes, call)
}

// repeat makes a call, and makes it again while what it meets is to be waited for, until ctx ends.
func repeat[T any](ctx context.Context, waits func(error) bool, call func() (T, error)) (T, error) {
	pauses := gax.Backoff{Initial: time.Second, Max: 30 * time.Second, Multiplier: 2}
	for {
		answer, err := call()
		if err == nil || ctx.Err() != nil || !waits(err) {
			return answer, err
		}
		if ended := gax.Sleep(ctx, pauses.Pause()); ended != nil {
			return answer, fmt.Errorf("%w, after %w", ended, err)
		}
	}
}

// passes tells whether what a call met may be gone the next time.
func passes(err error) bool {
	if code := status(err); code != 0 {
		return code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	// Timeouts, names that could not be looked up, tokens that could not be had, and what was cut off.
	for e := err; e != nil; e = errors.Unwrap(e) {
		if kind, ok := e.(interface{ Temporary() bool }); ok && kind.Temporary() {
			return true
		}
	}
	ends := []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE}
	if slices.ContainsFunc(ends, func(end error) bool { return errors.Is(err, end) }) {
		return true
	}
	// What net/http exports no error for.
	text := err.Error()
	return strings.Contains(text, "client connection lost") || strings.Contains(text, "server closed idle connection")
}

// cutOff is what ended an answer in its middle. The next one may come whole, whatever it was.
type cutOff struct{ error }

func (cutOff) Temporary() bool { return true }
func (c cutOff) Unwrap() error { return c.error }

// status is the HTTP status that an error answered with, 0 for none.
func status(err error) int {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return 0
	}
	return answer.Code
}

func refused(err error) bool { return status(err) == http.StatusPreconditionFailed }

// throttled tells whether a call came too early and was not carried out: an object can be replaced once a second.
// https://docs.cloud.google.com/storage/quotas#objects
func throttled(err error) bool { return status(err) == http.StatusTooManyRequests }

// missing says what was done to an object when err came; one that is not there is [fs.ErrNotExist].
func missing(verb, name string, err error) error {
	if status(err) == http.StatusNotFound {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return fmt.Errorf("%s %s: %w", verb, name, err)
}

// content is an object's content and its generation.
type content struct {
	data       []byte
	generation int64
}

// download reads an object to its end, and compares its checksum.
func download(call *storage.ObjectsGetCall) (content, error) {
	answer, err := call.Download()
	if err != nil {
		return content{}, err
	}
	data, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return content{}, cutOff{err}
	}
	// The checksum is of what is stored, and somebody else's copy of a log may be stored as gzip.
	if want := sent(answer.Header); want != checksum(data) && !answer.Uncompressed {
		return content{}, fmt.Errorf("damaged on its way: CRC-32C %q, read %q", want, checksum(data))
	}
	generation, err := strconv.ParseInt(answer.Header.Get("X-Goog-Generation"), 10, 64)
	if err != nil {
		return content{}, fmt.Errorf("the object's generation: %w", err)
	}
	return content{data, generation}, nil
}

// sent is the CRC-32C that a header gives: "X-Goog-Hash: crc32c=…,md5=…", in one line or two.
// https://docs.cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash
func sent(header http.Header) string {
	for _, line := range header.Values("X-Goog-Hash") {
		for hash := range strings.SplitSeq(line, ",") {
			if sum, ok := strings.CutPrefix(strings.TrimSpace(hash), "crc32c="); ok {
				return sum
			}
		}
	}
	return ""
}

// checksum is data's CRC-32C as Cloud Storage writes it: big-endian, in Base64.
func checksum(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// number is the CRC-32C that a checksum writes.
func number(checksum string) (uint32, error) {
	sum, err := base64.StdEncoding.DecodeString(checksum)
	if err != nil || len(sum) != crc32.Size {
		return 0, fmt.Errorf("%q is no CRC-32C", checksum)
	}
	return binary.BigEndian.Uint32(sum), nil
}
