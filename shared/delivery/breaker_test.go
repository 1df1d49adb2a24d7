package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/webhook"
)

func failed() webhook.Result { return webhook.Result{Status: 500} }

// opened returns a breaker after so many failures in a row at the given time.
func opened(failures int, now time.Time) delivery.Breaker {
	var b delivery.Breaker
	for range failures {
		b = b.Note(failed(), now)
	}
	return b
}

func TestABreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := opened(4, now)
	if _, open := b.Open(now); open || b.Tripped() {
		t.Errorf("after four: %+v", b)
	}
	if b = b.Note(webhook.Result{Status: 200}, now); b != (delivery.Breaker{}) {
		t.Errorf("a success in between leaves %+v", b)
	}
	b = opened(5, now)
	if until, open := b.Open(now); !open || !until.Equal(now.Add(15*time.Second)) {
		t.Errorf("after five: %+v", b)
	}
	if _, open := b.Open(now.Add(15 * time.Second)); open || !b.Tripped() {
		t.Errorf("after its pause: %+v", b)
	}
}

func TestPausesGrowToFiveMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var pauses []time.Duration
	b := opened(4, now)
	for range 8 {
		b = b.Note(failed(), now)
		pauses = append(pauses, b.OpenUntil.Sub(now))
	}
	s := time.Second
	if diff := cmp.Diff([]time.Duration{15 * s, 30 * s, 60 * s, 120 * s, 240 * s, 300 * s, 300 * s, 300 * s}, pauses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatAnswersDoToABreaker(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	open := opened(5, now)
	for name, c := range map[string]struct {
		before delivery.Breaker
		answer webhook.Result
		until  time.Duration // that it is open for, 0 for closed
	}{
		"success closes it":              {open, webhook.Result{Status: 204}, 0},
		"gone closes it":                 {open, webhook.Result{Status: 410}, 0},
		"a first failure leaves it":      {delivery.Breaker{}, failed(), 0},
		"Retry-After opens it at once":   {delivery.Breaker{}, webhook.Result{Status: 429, RetryAfter: time.Minute}, time.Minute},
		"a short Retry-After, too":       {delivery.Breaker{}, webhook.Result{Status: 503, RetryAfter: time.Second}, 15 * time.Second},
		"a Retry-After is bounded":       {delivery.Breaker{}, webhook.Result{Status: 429, RetryAfter: 48 * time.Hour}, time.Hour},
		"silence counts as a failure":    {opened(4, now), webhook.Result{Failure: webhook.Timeout}, 15 * time.Second},
		"a redirect counts as a failure": {opened(4, now), webhook.Result{Status: 302}, 15 * time.Second},
	} {
		after := c.before.Note(c.answer, now)
		until, isOpen := after.Open(now)
		if isOpen != (c.until > 0) || isOpen && until.Sub(now) != c.until {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

func TestABreakerMeetsWhatOthersStored(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	open, later := opened(5, now), opened(6, now)
	for name, c := range map[string]struct{ mine, stored, want delivery.Breaker }{
		"they opened it":                  {delivery.Breaker{}, open, open},
		"they closed it":                  {open, delivery.Breaker{}, delivery.Breaker{}},
		"they have seen more":             {open, later, later},
		"mine is the later":               {later, open, later},
		"nobody opened it; I count alone": {opened(3, now), delivery.Breaker{}, opened(3, now)},
	} {
		if diff := cmp.Diff(c.want, c.mine.Meet(c.stored)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	back, err := delivery.ParseBreaker(open.Document())
	if diff := cmp.Diff(open, back); err != nil || diff != "" {
		t.Errorf("stored and read: %v (-want +got):\n%s", err, diff)
	}
}
