// Package chromium drives a headless Chromium for tests that only a real browser can tell the truth of: passkeys, and how
// pages look and are read out. It speaks the DevTools protocol over a pair of pipes; nothing is installed for it.
package chromium

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// required is the variable that makes a missing Chromium a failure.
const required = "RYGGRAD_REQUIRE_CHROMIUM"

// Tab is a page of a headless Chromium, spoken to by the DevTools protocol over a pair of pipes: JSON, each message with a
// zero byte behind it. One call at a time.
type Tab struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	calls   int
	events  map[string]int // how many of each method were told of
}

// Open starts a Chromium of the test's own at an address, or skips the test where there is none.
func Open(t *testing.T, address string) *Tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	switch {
	case err != nil && os.Getenv(required) != "":
		t.Fatalf("%s is set and there is no chromium: %v", required, err)
	case err != nil:
		t.Skipf("SKIPPED: there is no chromium in PATH, so this is not tried in a real browser; %s makes that a failure", required)
	}
	b := startChromium(t, program)
	var made struct {
		TargetID string `json:"targetId"`
	}
	b.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.Call("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.Call("Page.enable", nil, nil)
	b.Go(address)
	return b
}

// Go goes to another address and waits until the page is there.
func (b *Tab) Go(address string) {
	b.t.Helper()
	loaded := b.events["Page.loadEventFired"]
	b.Call("Page.navigate", map[string]any{"url": address}, nil)
	for b.events["Page.loadEventFired"] == loaded {
		b.read("the page")
	}
}

// Heard returns how many events of a method came so far.
func (b *Tab) Heard(method string) int { return b.events[method] }

func startChromium(t *testing.T, program string) *Tab {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute) // a browser that hangs ends the test
	//nolint:gosec // the program that was found in PATH
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
		"--user-data-dir="+home, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the program expects
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b := &Tab{t: t, in: in, out: bufio.NewReader(out), events: map[string]int{}}
	t.Cleanup(func() {
		b.session = ""
		b.Call("Browser.close", nil, nil)
		if err := cmd.Wait(); err != nil {
			t.Errorf("chromium ended with %v", err)
		}
		_, _ = in.Close(), out.Close()
		cancel()
	})
	return b
}

// Call calls a method of the protocol and reads its result.
func (b *Tab) Call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.calls++
	asked := map[string]any{"id": b.calls, "method": method, "params": params}
	if b.session != "" {
		asked["sessionId"] = b.session
	}
	raw, err := json.Marshal(asked)
	if err == nil {
		_, err = b.in.Write(append(raw, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	answer := b.answer(method)
	if len(answer.Error) > 0 {
		b.t.Fatalf("%s: %s", method, answer.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// message is the answer to a call, or an event, which has a method.
type message struct {
	ID            int
	Method        string
	Result, Error json.RawMessage
}

// answer reads until the answer to the latest call.
func (b *Tab) answer(method string) (m message) {
	b.t.Helper()
	for m.ID != b.calls {
		m = b.read(method)
	}
	return m
}

func (b *Tab) read(waitingFor string) (m message) {
	b.t.Helper()
	raw, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: chromium is gone: %v", waitingFor, err)
	}
	if err := json.Unmarshal(bytes.TrimSuffix(raw, []byte{0}), &m); err != nil {
		b.t.Fatalf("%s: %v", waitingFor, err)
	}
	b.events[m.Method]++
	return m
}

// Run evaluates an asynchronous function's call in the page and reads what it returns.
func (b *Tab) Run(script string, result any) {
	b.t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.Call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &got)
	if len(got.ExceptionDetails) > 0 {
		b.t.Fatalf("the page failed: %s", got.ExceptionDetails)
	}
	if err := json.Unmarshal(got.Result.Value, result); err != nil {
		b.t.Fatalf("the page returned %s: %v", got.Result.Value, err)
	}
}
