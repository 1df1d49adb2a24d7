package status

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"sync"
	"time"

	"ryggrad.internal/hub/functions"
)

// answers is what a round of questions found.
type answers struct {
	Functions map[string]bool // by name, whether it answered
	Regions   map[string]bool
	Seen      *tls.ConnectionState // of the public address, or nil
}

// asker asks the hub's public functions, as somebody from outside would, whether they answer.
type asker struct {
	base    string
	client  *http.Client
	names   []string
	regions map[string]string // address by name
}

func newAsker(d deps) *asker {
	a := &asker{base: d.cfg.BaseURL, client: d.client, regions: map[string]string{}}
	for _, f := range d.table {
		if f.Trigger == functions.HTTP {
			a.names = append(a.names, f.Name)
		}
	}
	for entry := range strings.SplitSeq(d.cfg.Regions, ",") {
		if name, address, found := strings.Cut(strings.TrimSpace(entry), "="); found && name != "" {
			a.regions[name] = strings.TrimSuffix(address, "/")
		}
	}
	return a
}

// description is the address of what a function says of itself: the cheapest thing that each of them answers.
func description(base, function string) string { return base + "/openapi/" + function + ".json" }

// round asks all of them at once.
func (a *asker) round(ctx context.Context) answers {
	out := answers{Functions: map[string]bool{}, Regions: map[string]bool{}}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, name := range a.names {
		asking.Go(func() {
			ok, seen := a.ask(ctx, description(a.base, name))
			mu.Lock()
			defer mu.Unlock()
			out.Functions[name] = ok
			if seen != nil {
				out.Seen = seen
			}
		})
	}
	for name, address := range a.regions {
		asking.Go(func() {
			ok, _ := a.ask(ctx, description(address, intake))
			mu.Lock()
			defer mu.Unlock()
			out.Regions[name] = ok
		})
	}
	asking.Wait()
	return out
}

func (a *asker) ask(ctx context.Context, address string) (bool, *tls.ConnectionState) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return false, nil
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return false, nil
	}
	_ = answer.Body.Close() // of a HEAD: it is empty
	return answer.StatusCode == http.StatusOK, answer.TLS
}

// unanswered counts who did not answer.
func unanswered(by map[string]bool) (n int) {
	for _, ok := range by {
		if !ok {
			n++
		}
	}
	return n
}

// secured tells how the public address was reached.
func secured(seen *tls.ConnectionState, now time.Time) map[string]any {
	if seen == nil || len(seen.PeerCertificates) == 0 {
		return nil
	}
	left := seen.PeerCertificates[0].NotAfter.Sub(now) / (24 * time.Hour)
	return map[string]any{
		"version": tls.VersionName(seen.Version), "daysLeft": int64(left), "ok": seen.Version >= tls.VersionTLS12,
	}
}
