package keys

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
)

func (w *world) look(t *testing.T, data string) {
	t.Helper()
	if err := w.keeper.look(t.Context(), event.Message{Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}

// months are those of the tenant's keys.
func (w *world) months(t *testing.T) string {
	t.Helper()
	found, err := w.Firestore(t).Collection("tenantKeys").Where("tenant", "==", w.client.Client.Tenant).OrderBy("month", 1).Documents(t.Context()).GetAll()
	if err != nil {
		t.Fatal(err)
	}
	var months []string
	for _, snap := range found {
		month, _ := snap.Data()["month"].(string)
		months = append(months, month)
	}
	return strings.Join(months, " ")
}

func TestTheNextMonthsKeysAreMadeTenDaysAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, step := range []struct {
		day  time.Time
		want string
	}{
		{time.Date(2026, 7, 21, 3, 15, 0, 0, time.UTC), ""},
		{time.Date(2026, 7, 22, 3, 15, 0, 0, time.UTC), "2026-08"},
		{time.Date(2026, 7, 31, 3, 15, 0, 0, time.UTC), "2026-08"},
		{time.Date(2026, 8, 22, 3, 15, 0, 0, time.UTC), "2026-08 2026-09"},
		{time.Date(2026, 12, 30, 3, 15, 0, 0, time.UTC), "2026-08 2026-09 2027-01"},
	} {
		w.now = step.day
		w.look(t, "{}")
		if got := w.months(t); got != step.want {
			t.Errorf("on %s there are the keys of %q, want %q", step.day.Format(time.DateOnly), got, step.want)
		}
	}
}

// roll makes a new version of the KMS key the primary one.
func (w *world) roll(t *testing.T) {
	t.Helper()
	key := w.Key("tenant-keys")
	if _, err := w.KMS(t).CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.KMS(t).UpdateCryptoKeyPrimaryVersion(t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{Name: key, CryptoKeyVersionId: "2"}); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreRewrappedAndTheirAgesTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = time.Now().UTC().AddDate(0, 0, 100)
	if _, err := w.keeper.keys.Current(t.Context(), w.client.Client.Tenant); err != nil {
		t.Fatal(err)
	}
	w.roll(t)
	w.look(t, "{}")
	if log := w.log.String(); !strings.Contains(log, "rewrapped=1 ") || !strings.Contains(log, "lowest_version=2") {
		t.Errorf("the log says\n%s", log)
	}
	told := w.ages(t)
	for _, key := range []string{"tenant-keys", "audit-checkpoints", "backup", "backup-manifests", "database", "objects"} {
		if age, ok := told.Facts.Number(key); !ok || age < 99 || age > 100 {
			t.Errorf("the age of %s is %v, in %v", key, age, told)
		}
	}
}

// ages is what the trust page is told.
func (w *world) ages(t *testing.T) evidence.Evidence {
	t.Helper()
	told, _, err := w.keeper.evidence.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return told[evidence.KeyAges]
}

func TestAKeyThatIsNotThereYetIsMissingAndNotYoung(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = time.Now().UTC()
	rule := evidence.RuleOf(evidence.KeyAges)
	w.look(t, "{}")
	if told := w.ages(t); rule.Judge(&told, w.now) != evidence.Missing || strings.Join(rule.Lacking(told), " ") != "access-tokens" {
		t.Errorf("before the first token it is %s, for want of %v", rule.Judge(&told, w.now), rule.Lacking(told))
	}
	if strings.Contains(w.log.String(), "signing_key_age_days") {
		t.Errorf("the log tells the age of no key:\n%s", w.log.String())
	}
	w.now = w.now.Add(time.Hour)
	w.publishKey(t)
	w.look(t, "{}")
	if told := w.ages(t); rule.Judge(&told, w.now) != evidence.Green {
		t.Errorf("with all keys it is %s: %v", rule.Judge(&told, w.now), told)
	}
}

func TestAKeyThatCannotBeLookedAtDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = time.Now().UTC()
	w.keeper.others["gone"] = kmskey.New(w.KMS(t), w.Key("gone"), "gone")
	if err := w.keeper.look(t.Context(), event.Message{Data: []byte("{}")}); !errors.Is(err, kmskey.ErrGone) {
		t.Errorf("nobody is told of the key: %v", err)
	}
	if told := w.ages(t); strings.Join(evidence.RuleOf(evidence.KeyAges).Lacking(told), " ") != "access-tokens" {
		t.Errorf("what is told is %v", told)
	}
}

func TestALongRewrapGoesOnWithTheNextMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 { // months
		if _, err := w.keeper.keys.Current(t.Context(), w.client.Client.Tenant); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.AddDate(0, 1, 0)
	}
	w.roll(t)
	w.keeper.perMessage = 1
	w.look(t, "{}")
	for n := 0; n < len(w.errand) && n < 10; n++ {
		w.look(t, w.errand[n])
	}
	if log := w.log.String(); !strings.Contains(log, "seen=3 rewrapped=3 failed=0 primary_version=2 lowest_version=2") || len(w.errand) != 3 {
		t.Errorf("after %v the log says\n%s", w.errand, log)
	}
	if strings.Count(w.log.String(), "keys looked after") != 1 {
		t.Error("the rest of the day's work was done again")
	}
}

func TestWhatIsNoErrandIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, data := range []string{"rewrap", `{"rewrap":1}`, `{"other":{}}`} {
		if err := w.keeper.look(t.Context(), event.Message{Data: []byte(data)}); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestOneFailureDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = w.client.Client.ExpiresAt.AddDate(0, 0, -7)
	if _, err := w.KMS(t).UpdateCryptoKeyVersion(t.Context(), &kmspb.UpdateCryptoKeyVersionRequest{
		CryptoKeyVersion: &kmspb.CryptoKeyVersion{Name: w.Key("tenant-keys") + "/cryptoKeyVersions/1", State: kmspb.CryptoKeyVersion_DISABLED},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"state"}},
	}); err != nil {
		t.Fatal(err)
	}
	w.now = time.Date(2027, 6, 24, 3, 15, 0, 0, time.UTC)
	if err := w.keeper.look(t.Context(), event.Message{Data: []byte("{}")}); !fault.Is(err, fault.Internal) {
		t.Errorf("with the key disabled: %v", err)
	}
	if len(w.notices(t)) != 1 {
		t.Errorf("%d notices were written", len(w.notices(t)))
	}
}
