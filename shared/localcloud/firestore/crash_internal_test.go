package firestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
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

func TestAKillLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	kills := 10
	if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	acked, asked := map[string]int64{}, map[string]int64{}
	for kill := range kills {
		answered := writeUntilKilled(t, dir, kill, acked, asked)
		checkSurvivors(t, dir, acked, asked)
		if answered < 150 {
			t.Errorf("only %d commits were answered before the kill", answered)
		}
	}
}

// writeUntilKilled runs a server, lets clients write pairs of documents, kills it in the middle of that, and returns how
// many commits were answered. A pair's name maps to the last number written to it: asked for, and answered.
func writeUntilKilled(t *testing.T, dir string, round int, acked, asked map[string]int64) int64 {
	t.Helper()
	child, addr := startChild(t, dir)
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client := firestorepb.NewFirestoreClient(conn)
	var mu sync.Mutex
	var answered atomic.Int64
	enough := int64(150 + 37*round)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range int64(100000) {
				pair := fmt.Sprintf("%d-%d", w, i%40)
				number := int64(round)<<32 + i
				mu.Lock()
				asked[pair] = number
				mu.Unlock()
				if !writePair(t.Context(), client, pair, number) {
					return
				}
				mu.Lock()
				acked[pair] = number
				mu.Unlock()
				if answered.Add(1) == enough {
					if err := child.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	var killed *exec.ExitError
	if err := child.Wait(); !errors.As(err, &killed) {
		t.Fatalf("the child was not killed: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	return answered.Load()
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

// writePair writes the same number to two documents in one commit.
func writePair(ctx context.Context, client firestorepb.FirestoreClient, pair string, number int64) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req := &firestorepb.CommitRequest{Database: crashDatabase}
	for _, half := range []string{"left", "right"} {
		req.Writes = append(req.Writes, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{
			Name:   crashDatabase + "/documents/" + half + "/" + pair,
			Fields: map[string]*firestorepb.Value{"number": integer(number), "padding": {ValueType: &firestorepb.Value_BytesValue{BytesValue: make([]byte, 200)}}},
		}}})
	}
	_, err := client.Commit(ctx, req)
	return err == nil
}

func checkSurvivors(t *testing.T, dir string, acked, asked map[string]int64) {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatalf("open after a kill: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for pair := range asked {
		left, right := numberOf(t, s, "left/"+pair), numberOf(t, s, "right/"+pair)
		if left != right {
			t.Errorf("pair %s is half there: %x and %x", pair, left, right)
		}
		if number, ok := acked[pair]; ok && left < number {
			t.Errorf("pair %s: %x was answered, %x is there", pair, number, left)
		}
		if left > asked[pair] {
			t.Errorf("pair %s: %x is there, but only %x was asked for", pair, left, asked[pair])
		}
	}
}

// numberOf is the number in a document, -1 where there is none.
func numberOf(t *testing.T, s *Server, path string) int64 {
	t.Helper()
	d, key, err := s.document(crashDatabase + "/documents/" + path)
	if err != nil {
		t.Fatal(err)
	}
	_, v := d.read(key, d.snapshot())
	if v == nil {
		return -1
	}
	fields, err := v.fields.Decode()
	if err != nil {
		t.Fatal(err)
	}
	return fields["number"].GetIntegerValue()
}
