package storage_test

import (
	"net/http"
	"testing"
	"time"

	"google.golang.org/api/googleapi"
	gcs "google.golang.org/api/storage/v1"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

func TestConditionsAreHeededByEveryMethod(t *testing.T) {
	t.Parallel()
	methods := map[string]func(t *testing.T, c client, when googleapi.CallOption) error{
		"write": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			return c.write(t, &gcs.Object{Name: "o"}, []byte("new"), inOne, when)
		},
		"read": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			_, err := content(c.Objects.Get(bucket, "o").Context(t.Context()).Download(when))
			return err
		},
		"look": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			_, err := c.Objects.Get(bucket, "o").Context(t.Context()).Do(when)
			return err
		},
		"describe": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			_, err := c.Objects.Patch(bucket, "o", &gcs.Object{ContentType: "x/y"}).Context(t.Context()).Do(when)
			return err
		},
		"delete": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			return c.Objects.Delete(bucket, "o").Context(t.Context()).Do(when)
		},
		"copy to": func(t *testing.T, c client, when googleapi.CallOption) error {
			t.Helper()
			return c.copied(t, "other", "o", when)
		},
	}
	for name, method := range methods {
		for condition, version := range map[string]func(o *gcs.Object) int64{
			"ifGenerationMatch":     func(o *gcs.Object) int64 { return o.Generation },
			"ifMetagenerationMatch": func(o *gcs.Object) int64 { return o.Metageneration },
		} {
			t.Run(name+" "+condition, func(t *testing.T) {
				t.Parallel()
				_, c := start(t, t.TempDir())
				present := version(c.made(t, "o", "other"))
				wantHeeded(t, c, "o", func(off int64) error { return method(t, c, only(condition, present+off)) })
			})
		}
	}
	for condition, version := range map[string]func(o *gcs.Object) int64{
		"ifSourceGenerationMatch":     func(o *gcs.Object) int64 { return o.Generation },
		"ifSourceMetagenerationMatch": func(o *gcs.Object) int64 { return o.Metageneration },
	} {
		t.Run("copy from "+condition, func(t *testing.T) {
			t.Parallel()
			_, c := start(t, t.TempDir())
			present := version(c.made(t, "o"))
			wantHeeded(t, c, "o", func(off int64) error { return c.copied(t, "o", "copy", only(condition, present+off)) })
		})
	}
}

// wantHeeded does something to an object's next version, which must be refused, and to its present one.
func wantHeeded(t *testing.T, c client, name string, do func(off int64) error) {
	t.Helper()
	wantStatus(t, do(1), http.StatusPreconditionFailed)
	if got := c.read(t, name); got != name {
		t.Errorf("what was refused made it %q", got)
	}
	if err := do(0); err != nil {
		t.Errorf("as it should be: %v", err)
	}
}

func (c client) copied(t *testing.T, from, to string, when ...googleapi.CallOption) error {
	t.Helper()
	_, err := c.Objects.Rewrite(bucket, from, bucket, to, &gcs.Object{}).Context(t.Context()).Do(when...)
	return err
}

func TestAReaderHearsThatNothingHasChanged(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	unless := only("ifGenerationNotMatch", c.made(t, "o").Generation)
	_, err := content(c.Objects.Get(bucket, "o").Context(t.Context()).Download(unless))
	wantStatus(t, err, http.StatusNotModified)
	wantStatus(t, c.Objects.Delete(bucket, "o").Context(t.Context()).Do(unless), http.StatusPreconditionFailed)
}

// describe changes what is known of an object.
func (c client) describe(t *testing.T, name string, o *gcs.Object) *gcs.Object {
	t.Helper()
	after, err := c.Objects.Patch(bucket, name, o).Context(t.Context()).Do()
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func TestDescribingLeavesTheGeneration(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		before := c.made(t, "o")
		c.describe(t, "o", &gcs.Object{Metadata: map[string]string{"a": "1", "b": "2"}})
		after := c.describe(t, "o", &gcs.Object{ContentType: "x/y"})
		if after.Generation != before.Generation || after.Metageneration != before.Metageneration+2 ||
			after.ContentType != "x/y" || after.Metadata["b"] != "2" || c.read(t, "o") != "o" {
			t.Errorf("described as %+v, before %+v", after, before)
		}
	})
}

func TestWhatIsRetainedCannotGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, c := startAt(t, storage.Options{Now: func() time.Time { return now }})
	c.made(t, "o")
	keep := func(period time.Duration) (*gcs.Bucket, error) {
		policy := &gcs.Bucket{RetentionPolicy: &gcs.BucketRetentionPolicy{RetentionPeriod: int64(period.Seconds())}}
		if period == 0 {
			policy = &gcs.Bucket{NullFields: []string{"RetentionPolicy"}}
		}
		return c.Buckets.Patch(bucket, policy).Context(t.Context()).Do()
	}
	kept, err := keep(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if until := c.look(t, "o").RetentionExpirationTime; until != now.Add(time.Hour).Format(time.RFC3339Nano) {
		t.Errorf("kept until %v", until)
	}
	remove := func() error { return c.Objects.Delete(bucket, "o").Context(t.Context()).Do() }
	wantStatus(t, remove(), http.StatusForbidden)
	wantStatus(t, c.write(t, &gcs.Object{Name: "o"}, []byte("x"), inOne), http.StatusForbidden)
	_, err = c.Buckets.LockRetentionPolicy(bucket, kept.Metageneration+1).Context(t.Context()).Do()
	wantStatus(t, err, http.StatusPreconditionFailed)
	if _, err := c.Buckets.LockRetentionPolicy(bucket, kept.Metageneration).Context(t.Context()).Do(); err != nil {
		t.Fatal(err)
	}
	for _, period := range []time.Duration{time.Minute, 0} {
		_, err = keep(period)
		wantStatus(t, err, http.StatusForbidden)
	}
	now = now.Add(time.Hour)
	if err := remove(); err != nil {
		t.Errorf("once it is old enough: %v", err)
	}
}

func TestWhatIsHeldCannotGo(t *testing.T) {
	t.Parallel()
	_, c := start(t, t.TempDir())
	c.made(t, "o")
	remove := func() error { return c.Objects.Delete(bucket, "o").Context(t.Context()).Do() }
	c.describe(t, "o", &gcs.Object{TemporaryHold: true})
	wantStatus(t, remove(), http.StatusForbidden)
	wantStatus(t, c.write(t, &gcs.Object{Name: "o"}, []byte("x"), inOne), http.StatusForbidden)
	c.describe(t, "o", &gcs.Object{ForceSendFields: []string{"TemporaryHold"}})
	if err := remove(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotDoneHereIsRefused(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	for _, b := range []*gcs.Bucket{
		{Versioning: &gcs.BucketVersioning{Enabled: true}},
		{Lifecycle: &gcs.BucketLifecycle{Rule: []*gcs.BucketLifecycleRule{{Action: &gcs.BucketLifecycleRuleAction{Type: "Delete"}}}}},
	} {
		_, err := c.Buckets.Patch(bucket, b).Context(t.Context()).Do()
		wantStatus(t, err, http.StatusBadRequest)
	}
	c.made(t, "o")
	parts := &gcs.ComposeRequest{SourceObjects: []*gcs.ComposeRequestSourceObjects{{Name: "o"}}}
	_, err := c.Objects.Compose(bucket, "composed", parts).Context(t.Context()).Do()
	wantStatus(t, err, http.StatusBadRequest)
}
