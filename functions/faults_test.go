package functions_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// fragile lets one RPC fail: the n-th from the moment on that it is told.
type fragile struct {
	left  atomic.Int64 // until the one that fails; below 1 all pass
	code  codes.Code
	hangs bool // it takes so long that the request's time ends before

	passing sync.RWMutex       // held by RPCs that pass, so that none is broken off halfway
	end     context.CancelFunc // of the request's time
	ended   bool
	hanging sync.RWMutex // held by RPCs that hang
}

func (f *fragile) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/google.") || f.left.Add(-1) != 0:
			f.passing.RLock()
			defer f.passing.RUnlock()
			if f.ended {
				fail(w, codes.Canceled)
				return
			}
			next.ServeHTTP(w, r)
			return
		case f.hangs:
			f.hanging.RLock()
			defer f.hanging.RUnlock()
			f.passing.Lock()
			f.ended = true
			f.end()
			f.passing.Unlock()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond): // it is made for others, too, and goes on
			}
		}
		fail(w, f.code)
	})
}

// timed lets a function's requests end when a call hangs.
func (f *fragile) timed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		f.hanging.Lock() // what the last request left is not disturbed in place of this one
		f.passing.Lock()
		f.ended, f.end = false, cancel
		f.passing.Unlock()
		f.hanging.Unlock()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// rough is a walk in which calls fail.
type rough struct {
	*actor
	fragile *fragile
	failed  int // calls
}

// insist asks with the first call to the cloud failing, then with the second, and so on, until none fails or it is done all
// the same. Whoever is not answered as if nothing had been is told to come again.
func (w *rough) insist(what string, ask func() *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	w.t.Helper()
	var before []*httptest.ResponseRecorder
	for n := int64(1); ; n++ {
		w.fragile.left.Store(n)
		rec := ask()
		struck := w.fragile.left.Swap(0) <= 0
		if struck {
			w.failed++
		}
		late := rec.Code == http.StatusServiceUnavailable && n < 20 // a call that hung for the one before fails only now
		if struck && rec.Code > 299 || late {
			before = append(before, rec)
			continue
		}
		for i, b := range before {
			if b.Code != http.StatusServiceUnavailable && b.Code != rec.Code {
				w.t.Errorf("%s is answered %d %s when call %d fails, and %d without", what, b.Code, b.Body, i+1, rec.Code)
			}
		}
		return rec
	}
}

// TestAFailedCallIsNotTheHubsOwnFault does every deed and reads everything while calls fail.
func TestAFailedCallIsNotTheHubsOwnFault(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fragile{ // by codes that Google's clients do not repeat by themselves
		"aborted": {code: codes.Aborted}, "unknown": {code: codes.Unknown}, "hangs": {code: codes.Aborted, hangs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := walkEnv(cloudtest.Start(t))
			w := &rough{actor: newActor(newWalkOver(t, env, between(t, env, f.around))), fragile: f}
			for i, r := range w.routes {
				w.routes[i].handler = f.timed(r.handler)
			}
			for _, d := range deeds() {
				rec := w.insist(d.route, func() *httptest.ResponseRecorder { return w.do(d) })
				if rec.Code > 299 {
					t.Fatalf("%s is answered %d %s in the end", d.route, rec.Code, rec.Body)
				}
				if d.then != nil {
					d.then(w.actor, answered(t, rec))
				}
			}
			w.readEverything()
			if w.failed < 100 {
				t.Errorf("only %d calls failed", w.failed)
			}
		})
	}
}

func (w *rough) readEverything() {
	w.t.Helper()
	elsewhere := []string{"/log/checkpoint", "/openapi.json"} // not there before anything is sealed; asks functions over the network
	for _, r := range w.routes {
		if r.Method != http.MethodGet || slices.Contains(elsewhere, r.Path) {
			continue
		}
		for _, credential := range []string{w.shop, w.session(func(*identity.Session) {})} {
			rec := w.insist(r.Path, func() *httptest.ResponseRecorder { return w.send(r, fill(r.Path, w.ids), credential, "") })
			if rec.Code == http.StatusInternalServerError {
				w.t.Errorf("%s is answered %s", r.Path, rec.Body)
			}
		}
	}
}
