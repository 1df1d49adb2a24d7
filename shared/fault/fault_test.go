package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	busy := fault.New(fault.Unavailable, "orders are busy").Because(io.ErrUnexpectedEOF)
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"no error has no kind":                   {nil, ""},
		"an unclassified error is internal":      {io.EOF, fault.Internal},
		"time that ran out is unavailability":    {fmt.Errorf("read: %w", context.DeadlineExceeded), fault.Unavailable},
		"a caller who left, too":                 {fmt.Errorf("read: %w", context.Canceled), fault.Unavailable},
		"the fault made of it wins":              {fault.New(fault.Invalid, "late").Because(context.DeadlineExceeded), fault.Invalid},
		"a fault has its own":                    {busy, fault.Unavailable},
		"a wrapped fault keeps it":               {fmt.Errorf("accept order: %w", busy), fault.Unavailable},
		"the outermost of two faults wins":       {fault.New(fault.Conflict, "taken").Because(busy), fault.Conflict},
		"a joined fault is found among the rest": {errors.Join(io.EOF, busy), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.KindOf(c.err); got != c.want {
				t.Errorf("KindOf(%v) = %q, want %q", c.err, got, c.want)
			}
		})
	}
}

func TestFaultsAreValues(t *testing.T) {
	t.Parallel()
	base := fault.New(fault.Invalid, "order %s breaks the rules", "ord_1")
	one := base.With(fault.Detail{Location: "body.total", Message: "is negative"})
	two := one.With(fault.Detail{Location: "body.items", Message: "is empty"}).After(time.Second).Because(io.EOF)

	if len(base.Details) != 0 || len(one.Details) != 1 || len(two.Details) != 2 {
		t.Errorf("details leak between copies: %d, %d, %d", len(base.Details), len(one.Details), len(two.Details))
	}
	if diff := cmp.Diff("order ord_1 breaks the rules", one.Error()); diff != "" {
		t.Errorf("text without a cause (-want +got):\n%s", diff)
	}
	if !errors.Is(two, io.EOF) || errors.Is(one, io.EOF) || two.RetryAfter != time.Second {
		t.Errorf("cause or wait is on the wrong copy: %v, %v", one, two)
	}
}

func TestOnlyTransientKindsAreRetryable(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]bool{fault.Limited: true, fault.Unavailable: true, fault.Internal: true}
	for _, k := range []fault.Kind{
		fault.Malformed, fault.Unauthenticated, fault.StepUp, fault.Forbidden, fault.NotFound, fault.Unsupported, fault.Conflict,
		fault.Stale, fault.TooLarge, fault.Invalid, fault.Limited, fault.Unavailable, fault.Internal,
	} {
		if k.Retryable() != want[k] {
			t.Errorf("%s.Retryable() = %t", k, k.Retryable())
		}
	}
}
