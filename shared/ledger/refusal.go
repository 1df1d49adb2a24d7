package ledger

import "ryggrad.internal/hub/shared/identity"

// Refusal is an attempt that was turned away, because its credential did not hold or did not reach so far. It changes
// nothing, so its entry stands in no chain; its object is `sources/` and the source.
//
// Refusals are free for whoever causes them, so entries do not follow one by one: those of one tenant, actor, reason
// and source within a minute are one entry for the first, with the first one's action, and one with the count of the
// rest.
type Refusal struct {
	Tenant    string         // whose credential it was; "" where it did not hold, so that no tenant sees it
	Actor     identity.Actor // zero where nobody is known
	Action    string         // what was attempted, as in `place-order`
	Reason    string         // a constant text
	Source    string         // the credential's id, or the caller's network as a prefix; never a full address
	RequestID string
}

// Normal returns the refusal with what stands in the place of the unknown.
func (r Refusal) Normal() Refusal {
	if r.Tenant == "" {
		r.Tenant = identity.Hub
	}
	if r.Actor == (identity.Actor{}) {
		r.Actor = identity.Nobody()
	}
	if r.Source == "" {
		r.Source = "unknown"
	}
	return r
}
