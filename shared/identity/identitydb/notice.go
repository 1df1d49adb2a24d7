package identitydb

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// noticePage is how many clients are looked at at a time.
const noticePage = 300

// NoticeExpiries puts a notice into the outbox for everything that ends soon, and returns how many are new. It may be
// run as often as one likes: a notice's id is made of what it tells, so there is one of each. The relay announces them.
//
// An event is kept for 30 days and a notice is due for 23 at most, so none is forgotten and written again.
func (s *Store) NoticeExpiries(ctx context.Context) (int, error) {
	written := 0
	page := Page{Limit: noticePage}
	for {
		clients, err := listBy(ctx, s, s.opts.Ledger.QueryAllTenants(collectionClients), page, identity.ParseClient)
		if err != nil {
			return written, err
		}
		for _, c := range clients {
			page.After = c.ID
			n, err := s.noticeExpiry(ctx, c)
			if written += n; err != nil {
				return written, err
			}
		}
		if len(clients) < noticePage {
			return written, nil
		}
	}
}

func (s *Store) noticeExpiry(ctx context.Context, c identity.Client) (int, error) {
	written := 0
	for _, due := range c.Expiring(s.now()) {
		e := s.expiryEvent(c.Tenant, due)
		err := s.opts.Ledger.Bookkeep(ctx, c.Tenant, noticedb.Writes(e)...)
		switch {
		case err == nil:
			written++
		case !errors.Is(err, ledgerdb.ErrExists):
			return written, fmt.Errorf("notice that %s ends: %w", c.ID, err)
		}
	}
	return written, nil
}

func (s *Store) expiryEvent(tenant string, due identity.Expiry) delivery.Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "expiry %s %s %s %d %d", due.Client, due.Kind, due.Credential, due.ExpiresAt.Unix(), due.Days))
	id := delivery.EventPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
	data := map[string]any{
		"notice": "credential_expires", "client": due.Client, "kind": due.Kind,
		"expiresAt": due.ExpiresAt.UTC().Format(time.RFC3339), "days": int64(due.Days),
	}
	if due.Credential != "" {
		data["credential"] = due.Credential
	}
	return delivery.Event{ID: id, Tenant: tenant, Type: delivery.NoticeCreated, OccurredAt: s.now(), Data: data, Pending: true}
}
