// Package scheduler is Cloud Scheduler in one process: it publishes messages by the cron schedules of its jobs, in UTC.
//
// Like Cloud Scheduler's, a message is sent at least once per due time while the scheduler runs, and nothing is made up
// for the time that it did not: a job that was due several times since the last tick runs once.
//
// The clock and the ticks come from outside, so that a test moves time instead of waiting for it:
//
//	s, err := scheduler.New(jobs, publish, scheduler.Options{Now: clock.Now})
//	clock.Advance(time.Hour)
//	s.Tick(ctx)
package scheduler
