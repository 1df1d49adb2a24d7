package identitydb

import (
	"context"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/identity"
)

// SupportCensus counts the grants of support access that all tenants together gave since a time, and how many of these
// hold now. It names nobody.
func (s *Store) SupportCensus(ctx context.Context, since time.Time) (given, open int, err error) {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionGrants).Where("createdAt", ">=", since))
	if err != nil {
		return 0, 0, fmt.Errorf("count grants of support access: %w", err)
	}
	for _, o := range found {
		g, err := identity.ParseGrant(o.ID, o.Fields)
		if err != nil {
			return 0, 0, fmt.Errorf("count grants of support access: %w", err)
		}
		given++
		if g.ActiveAt(s.now()) {
			open++
		}
	}
	return given, open, nil
}
