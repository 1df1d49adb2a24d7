package storage_test

import (
	"net/http"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

func TestConditionsAreHeededByEveryMethod(t *testing.T) {
	t.Parallel()
	methods := map[string]func(t *testing.T, b *gcs.BucketHandle, o *gcs.ObjectHandle) error{
		"write": func(t *testing.T, _ *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			return write(t, o, []byte("new"), nil)
		},
		"read": func(t *testing.T, _ *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			r, err := o.NewReader(t.Context())
			if err == nil {
				err = r.Close()
			}
			return err
		},
		"look": func(t *testing.T, _ *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			_, err := o.Attrs(t.Context())
			return err
		},
		"describe": func(t *testing.T, _ *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			_, err := o.Update(t.Context(), gcs.ObjectAttrsToUpdate{ContentType: "x/y"})
			return err
		},
		"delete": func(t *testing.T, _ *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			return o.Delete(t.Context())
		},
		"copy from": func(t *testing.T, b *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			_, err := b.Object("copy").CopierFrom(o).Run(t.Context())
			return err
		},
		"copy to": func(t *testing.T, b *gcs.BucketHandle, o *gcs.ObjectHandle) error {
			t.Helper()
			_, err := o.CopierFrom(b.Object("other")).Run(t.Context())
			return err
		},
	}
	for name, method := range methods {
		for kind, condition := range map[string]func(o *gcs.ObjectAttrs, off int64) gcs.Conditions{
			"generation": func(o *gcs.ObjectAttrs, off int64) gcs.Conditions {
				return gcs.Conditions{GenerationMatch: o.Generation + off}
			},
			"metageneration": func(o *gcs.ObjectAttrs, off int64) gcs.Conditions {
				return gcs.Conditions{MetagenerationMatch: o.Metageneration + off}
			},
		} {
			t.Run(name+" by "+kind, func(t *testing.T) {
				t.Parallel()
				_, b := start(t, t.TempDir())
				o, attrs := made(t, b, "o", "other")
				wantStatus(t, method(t, b, o.If(condition(attrs, 1))), http.StatusPreconditionFailed)
				if got := read(t, o); got != "o" {
					t.Errorf("what was refused made it %q", got)
				}
				if err := method(t, b, o.If(condition(attrs, 0))); err != nil {
					t.Errorf("as it should be: %v", err)
				}
			})
		}
	}
}

// made writes objects that hold their names, and returns the first of them.
func made(t *testing.T, b *gcs.BucketHandle, names ...string) (*gcs.ObjectHandle, *gcs.ObjectAttrs) {
	t.Helper()
	for _, name := range names {
		if err := write(t, b.Object(name), []byte(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	attrs, err := b.Object(names[0]).Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b.Object(names[0]), attrs
}

func TestAReaderHearsThatNothingHasChanged(t *testing.T) {
	t.Parallel()
	_, b := start(t, "")
	o, attrs := made(t, b, "o")
	_, err := o.If(gcs.Conditions{GenerationNotMatch: attrs.Generation}).NewReader(t.Context())
	wantStatus(t, err, http.StatusNotModified)
	wantStatus(t, o.If(gcs.Conditions{GenerationNotMatch: attrs.Generation}).Delete(t.Context()), http.StatusPreconditionFailed)
}

func TestDescribingLeavesTheGeneration(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		o, before := made(t, b, "o")
		_, err := o.Update(t.Context(), gcs.ObjectAttrsToUpdate{Metadata: map[string]string{"a": "1", "b": "2"}})
		if err != nil {
			t.Fatal(err)
		}
		after, err := o.Update(t.Context(), gcs.ObjectAttrsToUpdate{ContentType: "x/y"})
		if err != nil {
			t.Fatal(err)
		}
		if after.Generation != before.Generation || after.Metageneration != before.Metageneration+2 ||
			after.ContentType != "x/y" || after.Metadata["b"] != "2" || read(t, o) != "o" {
			t.Errorf("described as %+v, before %+v", after, before)
		}
	})
}

func TestWhatIsRetainedCannotGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, b := startAt(t, storage.Options{Now: func() time.Time { return now }})
	o, _ := made(t, b, "o")
	policy := func(period time.Duration) gcs.BucketAttrsToUpdate {
		return gcs.BucketAttrsToUpdate{RetentionPolicy: &gcs.RetentionPolicy{RetentionPeriod: period}}
	}
	if _, err := b.Update(t.Context(), policy(time.Hour)); err != nil {
		t.Fatal(err)
	}
	attrs, err := o.Attrs(t.Context())
	if err != nil || !attrs.RetentionExpirationTime.Equal(now.Add(time.Hour)) {
		t.Errorf("kept until %v, %v", attrs.RetentionExpirationTime, err)
	}
	wantStatus(t, o.Delete(t.Context()), http.StatusForbidden)
	wantStatus(t, write(t, o, []byte("x"), nil), http.StatusForbidden)
	if err := b.LockRetentionPolicy(t.Context()); err == nil {
		t.Error("locked without a metageneration")
	}
	bucketAttrs, err := b.Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.If(gcs.BucketConditions{MetagenerationMatch: bucketAttrs.MetaGeneration}).LockRetentionPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = b.Update(t.Context(), policy(time.Minute))
	wantStatus(t, err, http.StatusForbidden)
	_, err = b.Update(t.Context(), policy(0))
	wantStatus(t, err, http.StatusForbidden)
	now = now.Add(time.Hour)
	if err := o.Delete(t.Context()); err != nil {
		t.Errorf("once it is old enough: %v", err)
	}
}

func TestWhatIsHeldCannotGo(t *testing.T) {
	t.Parallel()
	_, b := start(t, t.TempDir())
	o, _ := made(t, b, "o")
	for _, held := range []bool{true, false} {
		if _, err := o.Update(t.Context(), gcs.ObjectAttrsToUpdate{TemporaryHold: held}); err != nil {
			t.Fatal(err)
		}
		if held {
			wantStatus(t, o.Delete(t.Context()), http.StatusForbidden)
			wantStatus(t, write(t, o, []byte("x"), nil), http.StatusForbidden)
		} else if err := o.Delete(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNotDoneHereIsRefused(t *testing.T) {
	t.Parallel()
	_, b := start(t, "")
	_, err := b.Update(t.Context(), gcs.BucketAttrsToUpdate{VersioningEnabled: true})
	wantStatus(t, err, http.StatusBadRequest)
	_, err = b.Update(t.Context(), gcs.BucketAttrsToUpdate{Lifecycle: &gcs.Lifecycle{Rules: []gcs.LifecycleRule{
		{Action: gcs.LifecycleAction{Type: gcs.DeleteAction}, Condition: gcs.LifecycleCondition{AgeInDays: 1}}}}})
	wantStatus(t, err, http.StatusBadRequest)
	made(t, b, "o")
	_, err = b.Object("composed").ComposerFrom(b.Object("o")).Run(t.Context())
	wantStatus(t, err, http.StatusBadRequest)
}
