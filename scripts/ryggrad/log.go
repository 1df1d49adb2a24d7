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
	// maxBodies is the largest object of entries' bytes, and maxObject the largest of any other of a log.
	maxBodies = 64 << 20
	maxObject = 1 << 20
	// readTries is how often an address is asked again when it is busy, and longestWait how long is waited for that.
	readTries   = 6
	longestWait = time.Minute
	// fetchWithin bounds one answer of an address.
	fetchWithin = 2 * time.Minute
)

// mostOf returns how large an object of a log can be.
func mostOf(name string) int64 {
	if strings.HasPrefix(name, "entries/") {
		return maxBodies
	}
	return maxObject
}

// readFile reads a file that somebody else wrote: one that is no file, or larger than such an object is, is refused.
func readFile(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", name)
	case info.Size() > most:
		return nil, fmt.Errorf("%s is larger than anything of a log", name)
	}
	return os.ReadFile(name) //nolint:gosec // the operator names it
}

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
			return readFile(filepath.Join(dir, filepath.FromSlash(name)), mostOf(name))
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

// orNewestKept is a log that may be a copy of its bucket alone: in the place of the newest checkpoint, which is in a bucket
// of its own, stands the newest of those that were kept.
func orNewestKept(log verify.Log) verify.Log {
	read := log.Read
	log.Read = func(ctx context.Context, name string) ([]byte, error) {
		data, err := read(ctx, name)
		if name != tlog.CheckpointPath || !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
		kept, listErr := log.List(ctx, "checkpoints/")
		if listErr != nil || len(kept) == 0 {
			return nil, errors.Join(err, listErr)
		}
		return read(ctx, kept[len(kept)-1])
	}
	return log
}

// addressLog reads a public log over HTTP, which cannot be listed.
func addressLog(web *http.Client, address string) verify.Log {
	address = strings.TrimSuffix(address, "/")
	return verify.Log{Read: func(ctx context.Context, name string) ([]byte, error) {
		for try := 1; ; try++ {
			data, again, err := fetch(ctx, web, address+"/"+name)
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
func fetch(ctx context.Context, web *http.Client, url string) (data []byte, again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	answer, err := web.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	data, err = io.ReadAll(io.LimitReader(answer.Body, maxObject+1))
	switch {
	case err != nil:
		return nil, 0, err
	case len(data) > maxObject:
		return nil, 0, fmt.Errorf("%s is larger than anything of a log", url)
	case answer.StatusCode == http.StatusOK:
		return data, 0, nil
	case answer.StatusCode == http.StatusNotFound:
		return nil, 0, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusServiceUnavailable:
		seconds, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s")
		if err != nil {
			seconds = time.Second
		}
		return nil, min(max(seconds, time.Second), longestWait), fmt.Errorf("%s answers %s", url, answer.Status)
	default:
		return nil, 0, fmt.Errorf("%s answers %s", url, answer.Status)
	}
}
