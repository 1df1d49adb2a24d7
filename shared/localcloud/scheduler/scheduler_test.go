package scheduler_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/localcloud/scheduler"
)

// sent is one published message.
type sent struct {
	Topic, Data string
	Attributes  map[string]string
}

// bench runs a scheduler by hand.
type bench struct {
	now  time.Time
	fail error
	sent []sent
}

func (b *bench) publish(_ context.Context, topic string, data []byte, attributes map[string]string) error {
	b.sent = append(b.sent, sent{topic, string(data), attributes})
	return b.fail
}

func (b *bench) scheduler(t *testing.T, every time.Duration, jobs ...scheduler.Job) *scheduler.Scheduler {
	t.Helper()
	b.now = time.Date(2026, 11, 20, 11, 59, 30, 0, time.UTC)
	s, err := scheduler.New(jobs, b.publish, scheduler.Options{Now: func() time.Time { return b.now }, Every: every})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// topics returns the topics published to since the last call.
func (b *bench) topics() string {
	names := make([]string, 0, len(b.sent))
	for _, m := range b.sent {
		names = append(names, m.Topic)
	}
	b.sent = nil
	return strings.Join(names, " ")
}

func TestJobsRunByTheirCronLine(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 0,
		scheduler.Job{Name: "relay", Topic: "relay", Schedule: "* * * * *"},
		scheduler.Job{Name: "backup", Topic: "backup", Schedule: "0 * * * *"},
		scheduler.Job{Name: "keys", Topic: "keys", Schedule: "15 3 * * *"})
	for _, step := range []struct {
		advance time.Duration
		want    string
	}{
		{0, ""},
		{29 * time.Second, ""},
		{time.Second, "relay backup"}, // 12:00:00
		{0, ""},
		{59 * time.Second, ""},
		{time.Second, "relay"},
		{30 * time.Minute, "relay"}, // many minutes unseen, one message
		{14*time.Hour + 44*time.Minute, "relay backup keys"},
	} {
		b.now = b.now.Add(step.advance)
		s.Tick(t.Context())
		if got := b.topics(); got != step.want {
			t.Errorf("at %v: published to %q, want %q", b.now, got, step.want)
		}
	}
}

func TestSchedulesAreInUTC(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 0, scheduler.Job{Name: "keys", Topic: "keys", Schedule: "15 3 * * *"})
	b.now = time.Date(2026, 11, 21, 5, 15, 0, 0, time.FixedZone("later", 2*60*60)) // 03:15 UTC
	s.Tick(t.Context())
	if got := b.topics(); got != "keys" {
		t.Errorf("published to %q at 03:15 UTC", got)
	}
}

func TestMessagesCarryDataAndAttributes(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 0,
		scheduler.Job{Topic: "a", Schedule: "* * * * *", Attributes: map[string]string{"set": "hot"}},
		scheduler.Job{Topic: "b", Schedule: "* * * * *", Data: []byte(`{"set":"keys"}`)})
	b.now = b.now.Add(time.Minute)
	s.Tick(t.Context())
	want := []sent{{"a", "{}", map[string]string{"set": "hot"}}, {"b", `{"set":"keys"}`, nil}}
	if diff := cmp.Diff(want, b.sent); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestFastModeRunsEveryJobAtOnce(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 5*time.Second, scheduler.Job{Name: "keys", Topic: "keys", Schedule: "15 3 * * *"})
	for _, want := range []string{"", "keys", "", "keys"} {
		b.now = b.now.Add(2500 * time.Millisecond)
		s.Tick(t.Context())
		if got := b.topics(); got != want {
			t.Errorf("at %v: published to %q, want %q", b.now, got, want)
		}
	}
}

func TestAFailedMessageWaitsForItsNextTime(t *testing.T) {
	t.Parallel()
	b := bench{fail: errors.New("no topic")}
	s := b.scheduler(t, 0, scheduler.Job{Name: "relay", Topic: "relay", Schedule: "* * * * *"})
	b.now = b.now.Add(time.Minute)
	s.Tick(t.Context())
	s.Tick(t.Context())
	if len(b.sent) != 1 {
		t.Errorf("tried %d times within one minute, want once", len(b.sent))
	}
	b.now = b.now.Add(time.Minute)
	s.Tick(t.Context())
	if len(b.sent) != 2 {
		t.Errorf("tried %d times in two minutes, want twice", len(b.sent))
	}
}

func TestNextIsTheFirstDueTime(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 0,
		scheduler.Job{Topic: "keys", Schedule: "15 3 * * *"}, scheduler.Job{Topic: "backup", Schedule: "0 * * * *"})
	got, ok := s.Next()
	if want := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC); !ok || !got.Equal(want) {
		t.Errorf("next %v, %v; want %v", got, ok, want)
	}
	if _, ok := b.scheduler(t, 0).Next(); ok {
		t.Error("a scheduler without jobs has something due")
	}
}

func TestBadSchedulesAreRefusedAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := scheduler.New([]scheduler.Job{
		{Name: "one", Schedule: "every day"}, {Name: "two", Schedule: "* * * * *"}, {Name: "three", Schedule: "61 * * * *"},
		{Name: "four", Schedule: "TZ=Europe/Stockholm"}, {Name: "five", Schedule: "@hourly"},
	}, nil, scheduler.Options{Every: time.Second})
	for _, bad := range []string{"job one", "job three", "job four", "job five"} {
		if err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("error %v, want one that names %s", err, bad)
		}
	}
	if err != nil && strings.Contains(err.Error(), "job two") {
		t.Errorf("error %v names a good job", err)
	}
}

func TestRunTicksUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	var b bench
	s := b.scheduler(t, 0, scheduler.Job{Topic: "relay", Schedule: "* * * * *"})
	b.now = b.now.Add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	ticks, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, ticks)
	}()
	ticks <- b.now
	cancel()
	<-done
	if got := b.topics(); got != "relay" {
		t.Errorf("published to %q", got)
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("* * * * *")
	f.Add("TZ=Europe/Stockholm 0 0 31 2 *")
	f.Add("@every 1ns")
	f.Fuzz(func(t *testing.T, line string) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		s, err := scheduler.New([]scheduler.Job{{Name: "x", Schedule: line}}, nil,
			scheduler.Options{Now: func() time.Time { return now }})
		if err != nil {
			return
		}
		if next, ok := s.Next(); ok && !next.After(now) {
			t.Errorf("%q is due at %v, which has passed", line, next)
		}
	})
}
