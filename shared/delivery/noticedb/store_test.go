package noticedb_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

func TestNoticesAreListedByPagesAndByTenant(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	ledger, err := ledgerdb.New(ledgerdb.Options{
		Firestore: cloud.Firestore(t), Commits: cloud.Commits(t), Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		for _, tenant := range []string{"ten_a", "ten_b"} {
			e := delivery.Event{
				ID: fmt.Sprintf("evt_%s_%d", tenant, i), Tenant: tenant, Type: delivery.NoticeCreated, Pending: true,
				OccurredAt: noon.Add(time.Duration(i/2) * time.Minute), Data: map[string]any{"notice": "test"},
			}
			if err := ledger.Bookkeep(t.Context(), tenant, noticedb.Writes(e)...); err != nil {
				t.Fatal(err)
			}
			if err := ledger.Bookkeep(t.Context(), tenant, noticedb.Writes(e)...); !errors.Is(err, ledgerdb.ErrExists) {
				t.Errorf("the same again is answered %v", err)
			}
		}
	}
	var ids []string
	for cursor := ""; ; {
		page, err := noticedb.List(t.Context(), ledger, "ten_a", cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range page.Notices {
			ids = append(ids, n.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if want := "[evt_ten_a_4 evt_ten_a_3 evt_ten_a_2 evt_ten_a_1 evt_ten_a_0]"; fmt.Sprint(ids) != want {
		t.Errorf("the notices are %v, want %s", ids, want)
	}
	if _, err := noticedb.List(t.Context(), ledger, "ten_a", "nonsense", 2); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor that is none is answered %v", err)
	}
}
