package firestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	crashDir      = "FIRESTORE_CRASH_DIR"
	crashDatabase = "projects/p/databases/(default)"
)

// TestCrashChild is no test of its own: it is the server that TestAKillLosesNothingThatWasAnswered kills.
func TestCrashChild(t *testing.T) { //nolint:paralleltest // it is a process of its own
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("only as a child of TestAKillLosesNothingThatWasAnswered")
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.compaction.after.Store(64 << 10) // so that kills meet snapshots too
	g := grpc.NewServer()
	s.Register(g)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	t.Log(g.Serve(listener))
}

func startChild(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$", "-test.v")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.WaitDelay = time.Second
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			return child, addr
		}
	}
	t.Fatalf("the child did not start: %v", errors.Join(lines.Err(), child.Wait()))
	return nil, ""
}

// writer is a client that makes one commit after the other: number i writes i to two halves of a pair, adds one to a
// counter, makes live/{writer}-{i} and deletes the one before it. So what a writer has committed can be seen from any of
// these, and all of them must tell the same.
type writer struct {
	id              int
	answered, asked int64 // how many commits
}

const pairs = 40 // of one writer

func TestAKillLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writers := make([]*writer, 8)
	for i := range writers {
		writers[i] = &writer{id: i}
	}
	var answered int64
	for kill := range kills(t) {
		answered += writeUntilKilled(t, dir, int64(100+kill*37%211), writers)
		checkSurvivors(t, dir, writers)
		if t.Failed() {
			t.Fatalf("after kill %d", kill+1)
		}
	}
	t.Logf("%d commits were answered", answered)
}

// kills is how often the server is killed: a few times, unless the environment asks for more.
func kills(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("RYGGRAD_CRASH_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 3
	}
	return 8
}

// writeUntilKilled runs a server, lets the writers write, kills it in the middle of that once enough was answered, and
// returns how many commits were answered.
func writeUntilKilled(t *testing.T, dir string, enough int64, writers []*writer) int64 {
	t.Helper()
	child, addr := startChild(t, dir)
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client := firestorepb.NewFirestoreClient(conn)
	var answered atomic.Int64
	var all sync.WaitGroup
	for _, w := range writers {
		all.Go(func() {
			for w.write(t.Context(), client) {
				if answered.Add(1) == enough {
					if err := child.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if answered.Load() < enough {
		t.Errorf("only %d commits were answered", answered.Load())
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	var killed *exec.ExitError
	if err := child.Wait(); !errors.As(err, &killed) {
		t.Fatalf("the child was not killed: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	return answered.Load()
}

// write makes the writer's next commit and tells whether it was answered.
func (w *writer) write(ctx context.Context, client firestorepb.FirestoreClient) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w.asked = w.answered + 1
	if _, err := client.Commit(ctx, &firestorepb.CommitRequest{Database: crashDatabase, Writes: w.writes(w.asked)}); err != nil {
		return false
	}
	w.answered = w.asked
	return true
}

func (w *writer) writes(i int64) []*firestorepb.Write {
	count := update(fmt.Sprintf("counter/%d", w.id), nil)
	count.UpdateMask = &firestorepb.DocumentMask{}
	count.UpdateTransforms = []*firestorepb.DocumentTransform_FieldTransform{{FieldPath: "number",
		TransformType: &firestorepb.DocumentTransform_FieldTransform_Increment{Increment: integer(1)}}}
	fields := map[string]*firestorepb.Value{
		"number": integer(i), "padding": {ValueType: &firestorepb.Value_BytesValue{BytesValue: make([]byte, 200)}}}
	born := update(w.live(i), fields)
	born.CurrentDocument = &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: false}}
	all := []*firestorepb.Write{update(w.half("left", i), fields), count, born, update(w.half("right", i), fields)}
	if i == 1 {
		return all
	}
	return append(all, &firestorepb.Write{
		Operation:       &firestorepb.Write_Delete{Delete: crashDatabase + "/documents/" + w.live(i-1)},
		CurrentDocument: &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: true}}})
}

func (w *writer) live(i int64) string { return fmt.Sprintf("live/%d-%d", w.id, i) }

func (w *writer) half(side string, i int64) string {
	return fmt.Sprintf("%s/%d-%d", side, w.id, i%pairs)
}

func update(path string, fields map[string]*firestorepb.Value) *firestorepb.Write {
	return &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{
		Name: crashDatabase + "/documents/" + path, Fields: fields}}}
}

// checkSurvivors opens what a kill left behind, and checks it against what the writers know. They go on from there.
func checkSurvivors(t *testing.T, dir string, writers []*writer) {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatalf("open after a kill: %v", err)
	}
	defer closeServer(t, s)
	alive := map[string]bool{}
	for name := range contents(s, s.database(crashDatabase).snapshot()) {
		if path := name[len(crashDatabase+"/documents/"):]; strings.HasPrefix(path, "live/") {
			alive[path] = true
		}
	}
	for _, w := range writers {
		there := numberOf(t, s, fmt.Sprintf("counter/%d", w.id))
		if there < w.answered || there > w.asked {
			t.Errorf("writer %d: %d commits are there, %d were answered, %d asked for", w.id, there, w.answered, w.asked)
		}
		for i := max(1, there-pairs+1); i <= there; i++ {
			if left, right := numberOf(t, s, w.half("left", i)), numberOf(t, s, w.half("right", i)); left != i || right != i {
				t.Errorf("writer %d: commit %d left %d and %d behind", w.id, i, left, right)
			}
		}
		if there > 0 && !alive[w.live(there)] {
			t.Errorf("writer %d: %s is missing", w.id, w.live(there))
		}
		delete(alive, w.live(there))
		w.answered, w.asked = there, there
	}
	for path := range alive {
		t.Errorf("%s should have been deleted, or never been there", path)
	}
}

// numberOf is the number in a document, 0 where there is none.
func numberOf(t *testing.T, s *Server, path string) int64 {
	t.Helper()
	d, key, err := s.document(crashDatabase + "/documents/" + path)
	if err != nil {
		t.Fatal(err)
	}
	_, v := d.read(key, d.snapshot())
	if v == nil {
		return 0
	}
	fields, err := v.fields.Decode()
	if err != nil {
		t.Fatal(err)
	}
	return fields["number"].GetIntegerValue()
}
