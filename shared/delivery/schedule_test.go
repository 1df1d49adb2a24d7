package delivery_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/delivery"
)

func TestTheScheduleSpansThreeDays(t *testing.T) {
	t.Parallel()
	var total, before time.Duration
	attempt := 1
	for ; ; attempt++ {
		wait, again := delivery.Wait(attempt, 0.5)
		if !again {
			break
		}
		if wait < before {
			t.Errorf("attempt %d is followed sooner than the one before it", attempt)
		}
		total, before = total+wait, wait
		if attempt == 7 && total > time.Hour {
			t.Errorf("seven retries take %s", total)
		}
	}
	if total < 71*time.Hour || total > 73*time.Hour {
		t.Errorf("the schedule spans %s", total)
	}
	if attempt != delivery.MaxAttempts() {
		t.Errorf("%d attempts, want %d", attempt, delivery.MaxAttempts())
	}
}

func TestJitterSpreadsEveryWaitByAFifth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		attempt := rapid.IntRange(1, delivery.MaxAttempts()-1).Draw(t, "attempt")
		low, high := rapid.Float64Range(0, 0.999).Draw(t, "low"), rapid.Float64Range(0, 0.999).Draw(t, "high")
		if low > high {
			low, high = high, low
		}
		middle, _ := delivery.Wait(attempt, 0.5)
		short, _ := delivery.Wait(attempt, low)
		long, _ := delivery.Wait(attempt, high)
		if short > long || short < middle*8/10 || long > middle*12/10 {
			t.Fatalf("attempt %d: %s, %s, %s", attempt, short, middle, long)
		}
		if high-low > 0.01 && short == long {
			t.Fatal("the random number makes no difference")
		}
	})
}

func TestThereIsNoWaitOutsideTheSchedule(t *testing.T) {
	t.Parallel()
	for _, attempt := range []int{-1, 0, delivery.MaxAttempts(), delivery.MaxAttempts() + 1} {
		if _, again := delivery.Wait(attempt, 0.5); again {
			t.Errorf("attempt %d is followed by another", attempt)
		}
	}
}
