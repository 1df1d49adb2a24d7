package storage

import (
	"time"
)

// retained is the object with the time until which its bucket keeps it.
func (o *object) retained(b *bucket) *object {
	if b.RetentionPolicy == nil {
		return o
	}
	kept := *o
	until := o.TimeCreated.Add(time.Duration(b.RetentionPolicy.Period) * time.Second)
	kept.RetentionExpires = &until
	return &kept
}

// free refuses to delete or to replace an object that is held, or not yet old enough
// (https://cloud.google.com/storage/docs/bucket-lock).
func (o *object) free(b *bucket, now time.Time) error {
	if o == nil {
		return nil
	}
	name := o.Bucket + "/" + o.Name
	if o.TemporaryHold || o.EventBasedHold {
		return forbidden("objectUnderActiveHold", "Object '%s' is under active hold and cannot be deleted, overwritten or archived.", name)
	}
	if until := o.retained(b).RetentionExpires; until != nil && now.Before(*until) {
		return forbidden("retentionPolicyNotMet",
			"Object '%s' is subject to bucket's retention policy and cannot be deleted, overwritten or archived until %s.",
			name, until.Format(time.RFC3339Nano))
	}
	return nil
}
