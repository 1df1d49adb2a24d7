package envelopedb

import (
	"testing"
	"time"

	"ryggrad.internal/hub/shared/envelope"
)

func TestTheCacheForgetsWhatWasUsedLongestAgo(t *testing.T) {
	t.Parallel()
	now := noon
	a, b, d := envelope.KeyIDAt("a", now), envelope.KeyIDAt("b", now), envelope.KeyIDAt("d", now)
	c := newCache(2)
	key := new(envelope.TenantKey)
	c.put(a, key, now, now.Add(time.Minute))
	c.put(b, key, now, now.Add(time.Minute))
	c.get(a, now)
	c.put(a, key, now, now.Add(time.Minute)) // known: takes nobody's place
	c.put(d, key, now, now.Add(time.Minute))
	for id, want := range map[envelope.KeyID]bool{a: true, b: false, d: true} {
		if got, fresh := c.get(id, now); (got != nil) != want || fresh != want {
			t.Errorf("%s: %t, fresh %t; want %t", id, got != nil, fresh, want)
		}
	}
	if len(c.entries) != 2 {
		t.Errorf("%d entries are held", len(c.entries))
	}
}

func TestTheCacheForgetsWhatIsTooOld(t *testing.T) {
	t.Parallel()
	now := noon
	id := envelope.KeyIDAt("a", now)
	c := newCache(2)
	c.put(id, new(envelope.TenantKey), now, now.Add(RefreshAfter))
	if key, fresh := c.get(id, now.Add(RefreshAfter)); key == nil || fresh {
		t.Errorf("at its refresh: %v, fresh %t", key != nil, fresh)
	}
	if c.postpone(id, now.Add(RefreshAfter), now.Add(2*ServeAtMost)) == nil {
		t.Error("a key that may serve was not postponed")
	}
	if key, _ := c.get(id, now.Add(ServeAtMost)); key != nil || len(c.entries) != 0 {
		t.Error("a postponed key serves for more than an hour")
	}
}
