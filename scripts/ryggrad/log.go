package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/verify"
)

const (
	// maxObject is the largest object of a log: the bytes of a full batch.
	maxObject = 64 << 20
	// readTries is how often an address is asked again when it is busy.
	readTries = 6
)

// bucketsLog reaches a log in its bucket, and the newest checkpoint in its own.
func bucketsLog(log, head objects.Bucket) verify.Log {
	return verify.Log{
		Read: func(ctx context.Context, name string) ([]byte, error) {
			if name == tlog.CheckpointPath {
				return head.Read(ctx, name)
			}
			return log.Read(ctx, name)
		},
		List: func(ctx context.Context, prefix string) ([]string, error) { return log.List(ctx, prefix, "") },
	}
}

// folderLog reads a log that was copied to a folder.
func folderLog(dir string) verify.Log {
	return verify.Log{
		Read: func(_ context.Context, name string) ([]byte, error) {
			return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))) //nolint:gosec // the operator's own folder
		},
		List: func(_ context.Context, prefix string) ([]string, error) {
			files, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(path.Dir(prefix+"x"))))
			if errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
			var names []string
			for _, f := range files {
				names = append(names, path.Dir(prefix+"x")+"/"+f.Name())
			}
			slices.Sort(names)
			return names, err
		},
	}
}

// addressLog reads a public log over HTTP, which cannot be listed.
func addressLog(address string) verify.Log {
	address = strings.TrimSuffix(address, "/")
	return verify.Log{Read: func(ctx context.Context, name string) ([]byte, error) {
		for try := 1; ; try++ {
			data, again, err := fetch(ctx, address+"/"+name)
			if again == 0 || try == readTries {
				return data, err
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(again):
			}
		}
	}}
}

// fetch gets an object. A busy server says how long to wait before the next try.
func fetch(ctx context.Context, url string) (data []byte, again time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	data, err = io.ReadAll(io.LimitReader(answer.Body, maxObject))
	switch {
	case err != nil:
		return nil, 0, err
	case answer.StatusCode == http.StatusOK:
		return data, 0, nil
	case answer.StatusCode == http.StatusNotFound:
		return nil, 0, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusServiceUnavailable:
		seconds, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s")
		if err != nil {
			seconds = time.Second
		}
		return nil, max(seconds, time.Second), fmt.Errorf("%s answers %s", url, answer.Status)
	default:
		return nil, 0, fmt.Errorf("%s answers %s", url, answer.Status)
	}
}
