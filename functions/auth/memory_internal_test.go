package auth

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

const (
	inChild      = "RYGGRAD_TEST_LOGINS_AT_ONCE"
	loginsAtOnce = 200
	mostMemory   = 256 << 10 // KiB
)

// Two hundred people log in at once in a process of their own, which holds the embedded cloud too. Whoever finds no place
// is told to come again, and that is no failure of theirs: afterwards everybody gets in at the first try.
func TestMemoryStaysBoundedWhateverMany(t *testing.T) {
	t.Parallel()
	if os.Getenv(inChild) == "" {
		inItsOwnProcess(t)
		return
	}
	w := newWorld(t)
	b, _ := w.newPerson("anna@example.com", identity.Viewer)
	var mu sync.Mutex
	answers := map[int]int{}
	var all sync.WaitGroup
	for range loginsAtOnce {
		all.Go(func() {
			one := browser{w: w, cookie: b.cookie}
			status, _ := one.send(http.MethodPost, pathSessions, map[string]any{"email": "anna@example.com", "password": ownPassword})
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	all.Wait()
	if answers[http.StatusCreated] == 0 || answers[http.StatusCreated]+answers[http.StatusServiceUnavailable] != loginsAtOnce {
		t.Errorf("answers %v", answers)
	}
	b.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": "anna@example.com", "password": ownPassword})
	t.Logf("answers %v, at most %d KiB resident", answers, peak(t))
	if got := peak(t); got > mostMemory {
		t.Errorf("%d KiB were resident", got)
	}
}

// inItsOwnProcess runs the test again where nothing else takes memory.
func inItsOwnProcess(t *testing.T) {
	t.Helper()
	if cloudtest.Raced {
		t.Skip("SKIPPED: the race detector takes many times the memory; run it without -race")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("SKIPPED: this system does not tell how much memory a process has had")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inChild+"=1")
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "resident") {
		t.Errorf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "resident") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// peak is the most memory that the process has had resident, in KiB.
func peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the system tells no peak")
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
