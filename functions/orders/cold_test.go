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
//	floor-MiB, orders-MiB              resident memory when idle
//
// Run it with `go test -run xxx -bench ColdStart -benchtime 10x ./functions/orders`.
func BenchmarkColdStart(b *testing.B) {
	env := startCloud(b)
	w := newWorldAt(b, env)
	dir := b.TempDir()
	entry, floor := compile(b, dir, "entry"), compile(b, dir, "floor")
	var floorTimes, orderTimes []time.Duration
	var floorMemory, orderMemory []float64
	for b.Loop() {
		took, memory := coldStart(b, floor, "floor", env, nil, "")
		floorTimes, floorMemory = append(floorTimes, took), append(floorMemory, memory)
		body := bytes.Replace([]byte(benchOrder), []byte("LOCATION"), []byte(w.location), 1)
		body = bytes.Replace(body, []byte("NUMBER"), strconv.AppendInt(nil, time.Now().UnixNano(), 10), 1)
		took, memory = coldStart(b, entry, "orders", env, body, w.shop.APIKey.Reveal())
		orderTimes, orderMemory = append(orderTimes, took), append(orderMemory, memory)
	}
	f, o := median(floorTimes), median(orderTimes)
	b.ReportMetric(float64(f.Microseconds())/1000, "floor-ms")
	b.ReportMetric(float64(o.Microseconds())/1000, "orders-ms")
	b.ReportMetric(float64(o)/float64(f), "cold-ratio")
	b.ReportMetric(median(floorMemory), "floor-MiB")
	b.ReportMetric(median(orderMemory), "orders-MiB")
}

func median[T ~int64 | ~float64](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
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

// coldStart runs a function until it has answered one request, and returns how long that took and its idle memory in
// MiB.
func coldStart(b *testing.B, file, target string, env gcp.Env, body []byte, bearer string) (time.Duration, float64) {
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
		took := time.Since(began)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			b.Fatalf("%s answered %d", target, answer.StatusCode)
		}
		return took, resident(b, child.Process.Pid)
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
