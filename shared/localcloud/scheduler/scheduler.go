package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Job is what Cloud Scheduler would be given: when to publish what, and where.
type Job struct {
	Name       string            // for the log
	Topic      string            // the topic's short name
	Schedule   string            // cron with five fields, in UTC, as in "*/5 * * * *"
	Data       []byte            // the message; `{}` when empty
	Attributes map[string]string // of the message
}

// Publish sends one message to a topic, by its short name.
type Publish func(ctx context.Context, topic string, data []byte, attributes map[string]string) error

// Options say how a scheduler keeps time.
type Options struct {
	Now   func() time.Time // the clock; time.Now when nil
	Every time.Duration    // when positive, every job runs this often, whatever its schedule says
	Log   *slog.Logger     // discarded when nil
}

// Scheduler publishes the messages of its jobs when they are due. Make one with [New].
type Scheduler struct {
	opts    Options
	publish Publish
	jobs    []planned
}

// planned is a job and the next time that it is due.
type planned struct {
	Job
	times cron.Schedule
	next  time.Time
}

// New returns a scheduler whose jobs are first due after now. It refuses schedules that cannot be read, all at once.
func New(jobs []Job, publish Publish, opts Options) (*Scheduler, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{opts: opts, publish: publish}
	now := opts.Now()
	var faults []error
	for _, job := range jobs {
		times, err := timesOf(job, opts.Every)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.jobs = append(s.jobs, planned{Job: complete(job), times: times, next: times.Next(now.UTC())})
	}
	return s, errors.Join(faults...)
}

// timesOf reads a job's schedule, also where it is overruled, so that a bad one never goes unnoticed.
func timesOf(job Job, every time.Duration) (cron.Schedule, error) {
	if strings.Contains(job.Schedule, "=") {
		return nil, fmt.Errorf("schedule of job %s: it names a time zone, and all times are in UTC", job.Name)
	}
	const fields = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow
	times, err := cron.NewParser(fields).Parse(job.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule of job %s: %w", job.Name, err)
	}
	if every > 0 {
		return cron.Every(every), nil
	}
	return times, nil
}

func complete(job Job) Job {
	if len(job.Data) == 0 {
		job.Data = []byte("{}")
	}
	job.Attributes = maps.Clone(job.Attributes)
	return job
}

// Next returns when the next job is due, and false when there is none.
func (s *Scheduler) Next() (time.Time, bool) {
	var first time.Time
	for _, job := range s.jobs {
		if !job.next.IsZero() && (first.IsZero() || job.next.Before(first)) {
			first = job.next
		}
	}
	return first, !first.IsZero()
}

// Tick publishes one message for every job that is due, however many of its times have passed. A message that cannot
// be published is logged and not tried again before the job's next time. Ticks must not overlap.
func (s *Scheduler) Tick(ctx context.Context) {
	now := s.opts.Now().UTC()
	for i := range s.jobs {
		job := &s.jobs[i]
		if job.next.IsZero() || job.next.After(now) {
			continue
		}
		job.next = job.times.Next(now)
		if err := s.publish(ctx, job.Topic, job.Data, maps.Clone(job.Attributes)); err != nil {
			s.opts.Log.WarnContext(ctx, "scheduled message was not published", "job", job.Name, "error", err)
		}
	}
}

// Run ticks each time that ticks has a value, until the context ends.
func (s *Scheduler) Run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			s.Tick(ctx)
		}
	}
}
