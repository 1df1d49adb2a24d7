package orders

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/gcp"
)

// BenchmarkColdStart measures the time from exec to the first 201, and the memory of the idle process after it, of the
// orders function and of the least function there can be, turn by turn on the same warm store. It reports medians:
//
//	floor-ms, orders-ms, cold-ratio    exec to first 201
//	floor-cpu-ms, orders-cpu-ms        processor time until then, which a busy machine changes less
//	floor-MiB, orders-MiB              resident memory when idle
//
// Run it with `go test -run xxx -bench ColdStart -benchtime 10x ./functions/orders`.
func BenchmarkColdStart(b *testing.B) {
	env := startCloud(b)
	w := newWorldAt(b, env)
	dir := b.TempDir()
	entry, floor := compile(b, dir, "entry"), compile(b, dir, "floor")
	var floors, starts []start
	for b.Loop() {
		floors = append(floors, coldStart(b, floor, "floor", env, nil, ""))
		body := bytes.Replace([]byte(benchOrder), []byte("LOCATION"), []byte(w.location), 1)
		body = bytes.Replace(body, []byte("NUMBER"), strconv.AppendInt(nil, time.Now().UnixNano(), 10), 1)
		starts = append(starts, coldStart(b, entry, "orders", env, body, w.shop.APIKey.Reveal()))
	}
	f, o := medians(floors), medians(starts)
	b.ReportMetric(f.took, "floor-ms")
	b.ReportMetric(o.took, "orders-ms")
	b.ReportMetric(o.took/f.took, "cold-ratio")
	b.ReportMetric(f.cpu, "floor-cpu-ms")
	b.ReportMetric(o.cpu, "orders-cpu-ms")
	b.ReportMetric(f.memory, "floor-MiB")
	b.ReportMetric(o.memory, "orders-MiB")
}

// start is what a cold start took: milliseconds until the first answer, of the clock and of processors, and MiB after it.
type start struct{ took, cpu, memory float64 }

func medians(all []start) start {
	median := func(of func(start) float64) float64 {
		var values []float64
		for _, s := range all {
			values = append(values, of(s))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return start{
		took: median(func(s start) float64 { return s.took }), cpu: median(func(s start) float64 { return s.cpu }),
		memory: median(func(s start) float64 { return s.memory }),
	}
}

func compile(b *testing.B, dir, name string) string {
	b.Helper()
	file := filepath.Join(dir, name)
	out, err := exec.CommandContext(b.Context(), "go", "build", "-ldflags=-s -w", "-o", file, "./internal/"+name).CombinedOutput()
	if err != nil {
		b.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return file
}

// coldStart runs a function until it has answered one request, and returns what that took.
func coldStart(b *testing.B, file, target string, env gcp.Env, body []byte, bearer string) start {
	b.Helper()
	port := freePort(b)
	child := exec.CommandContext(b.Context(), file)
	child.Env = []string{"PORT=" + port, "FUNCTION_TARGET=" + target, "LOCAL_ONLY=true", "PATH=" + os.Getenv("PATH")}
	for name, value := range env {
		child.Env = append(child.Env, name+"="+value)
	}
	began := time.Now()
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	for {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1:"+port+"/v1/orders", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			if time.Since(began) > 20*time.Second {
				b.Fatal(err)
			}
			<-time.After(time.Millisecond) // it does not listen yet
			continue
		}
		s := start{took: float64(time.Since(began).Microseconds()) / 1000, cpu: processors(b, child.Process.Pid)}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			b.Fatalf("%s answered %d", target, answer.StatusCode)
		}
		s.memory = resident(b, child.Process.Pid)
		return s
	}
}

func freePort(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// processors reads how many milliseconds of processors a process has used.
func processors(b *testing.B, pid int) float64 {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		b.Fatal(err)
	}
	used := 0.0
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has just ended
		}
		ns, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		used += ns / 1e6
	}
	return used
}

// resident reads the process's memory a second after its last request.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	<-time.After(time.Second)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("the memory of a process is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	b.Fatal("/proc tells no VmRSS")
	return 0
}
