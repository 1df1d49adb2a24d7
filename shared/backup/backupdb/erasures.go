package backupdb

import (
	"context"
	"fmt"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/privacy"
)

// ErasuresIn returns what gives every erasure of a bucket. One that cannot be read stops it: nothing may be restored
// while it is not known whose data must not come back.
func ErasuresIn(b objects.Bucket) func(context.Context, func(privacy.Erasure)) error {
	return func(ctx context.Context, each func(privacy.Erasure)) error {
		names, err := b.List(ctx, privacy.ErasureFolder, "")
		if err != nil {
			return passing(err)
		}
		for _, name := range names {
			raw, err := b.Read(ctx, name)
			if err != nil {
				return passing(err)
			}
			e, err := privacy.Parse(raw)
			if err != nil || e.Object() != name {
				return fmt.Errorf("%s is no erasure; find out what it is before anything is restored: %w", name, err)
			}
			each(e)
		}
		return nil
	}
}
