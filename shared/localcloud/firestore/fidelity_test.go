package firestore_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
)

var record = flag.Bool("record", false, "write the answers into testdata/fidelity: Google's, and ours where a case says that they differ")

// scene is one case of a file in testdata/fidelity: a project of its own, and requests with the answers that Google's
// emulator gave. The file's lines are
//
//	# a scene's name
//	name = RPC request     the request as prototext; "name =" keeps the transaction or page token of the answer as $name
//	! why                  before a request: our answer differs from Google's, for this reason
//	  an answer            one line for each message, or the code of a refusal
//	| an answer            Google's, where it differs
type scene struct {
	name  string
	steps []*step
}

type step struct {
	why, line, ours, google string
}

func TestAnswersAreGoogles(t *testing.T) { //nolint:paralleltest // as below
	files, err := filepath.Glob("testdata/fidelity/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	conn := serve(t, firestore.Options{Now: halfMillisecond()})
	for _, file := range files { //nolint:paralleltest // recording writes the file after its cases
		scenes := read(t, file)
		for _, sc := range scenes {
			t.Run(sc.name, func(t *testing.T) {
				ours := newSide(conn).play(t, sc)
				if *record {
					recordOurs(t, sc, ours, newSide(google(t)).play(t, sc))
					return
				}
				for i, s := range sc.steps {
					if d := cmp.Diff(s.ours, ours[i]); d != "" {
						t.Errorf("%s\n(-recorded +ours):\n%s", s.line, d)
					}
				}
			})
		}
		if *record {
			write(t, file, scenes)
		}
	}
}

func TestRecordedAnswersAreStillGoogles(t *testing.T) {
	t.Parallel()
	conn := google(t)
	files, err := filepath.Glob("testdata/fidelity/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, sc := range read(t, file) {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				answers := newSide(conn).play(t, sc)
				for i, s := range sc.steps {
					want := s.ours
					if s.why != "" {
						want = s.google
					}
					if d := cmp.Diff(want, answers[i]); d != "" {
						t.Errorf("%s\n(-recorded +Google's):\n%s", s.line, d)
					}
				}
			})
		}
	}
}

// halfMillisecond is a clock that moves a millisecond with every look, and never shows a whole one: a server timestamp,
// which is cut to milliseconds, is always before its commit.
func halfMillisecond() func() time.Time {
	var mu sync.Mutex
	now := time.Now().Truncate(time.Millisecond).Add(-10*time.Minute + 500*time.Microsecond)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

// play asks a scene's requests and returns the answers.
func (s *side) play(t *testing.T, sc *scene) []string {
	t.Helper()
	var answers []string
	for _, st := range sc.steps {
		name, rest, named := strings.Cut(st.line, " = ")
		if !named || strings.Contains(name, " ") {
			name, rest = "", st.line
		}
		rpc, request, _ := strings.Cut(rest, " ")
		found, err := s.ask(t.Context(), rpc, request)
		if name != "" {
			s.keep(name, found)
		}
		answers = append(answers, text(found, err))
	}
	return s.script(answers)
}

func recordOurs(t *testing.T, sc *scene, ours, google []string) {
	t.Helper()
	for i, s := range sc.steps {
		s.ours, s.google = ours[i], google[i]
		switch {
		case s.why == "" && ours[i] != google[i]:
			t.Errorf("%s\n(-Google's +ours):\n%s", s.line, cmp.Diff(google[i], ours[i]))
		case s.why != "" && ours[i] == google[i]:
			t.Errorf("%s\nis said to differ, but both answer %s", s.line, ours[i])
		}
	}
}

func read(t *testing.T, file string) []*scene {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var scenes []*scene
	var sc *scene
	why := ""
	for n, line := range strings.Split(string(content), "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "# "):
			sc = &scene{name: line[2:]}
			scenes = append(scenes, sc)
		case sc == nil:
			t.Fatalf("%s:%d: no scene has begun", file, n+1)
		case strings.HasPrefix(line, "! "):
			why = line[2:]
		case strings.HasPrefix(line, "  "):
			last := sc.steps[len(sc.steps)-1]
			last.ours = strings.TrimPrefix(last.ours+"\n"+line[2:], "\n")
		case strings.HasPrefix(line, "| "):
			last := sc.steps[len(sc.steps)-1]
			last.google = strings.TrimPrefix(last.google+"\n"+line[2:], "\n")
		default:
			sc.steps = append(sc.steps, &step{why: why, line: line})
			why = ""
		}
	}
	return scenes
}

func write(t *testing.T, file string, scenes []*scene) {
	t.Helper()
	var b strings.Builder
	for i, sc := range scenes {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", sc.name)
		for _, s := range sc.steps {
			if s.why != "" {
				fmt.Fprintf(&b, "! %s\n", s.why)
			}
			fmt.Fprintln(&b, s.line)
			if s.ours != "" {
				fmt.Fprintln(&b, "  "+strings.ReplaceAll(s.ours, "\n", "\n  "))
			}
			if s.why != "" {
				fmt.Fprintln(&b, "| "+strings.ReplaceAll(s.google, "\n", "\n| "))
			}
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
