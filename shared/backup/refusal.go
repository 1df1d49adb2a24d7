package backup

// Refusal says that an object of a backup is not what it must be, and what to do. Nothing of the object was used.
type Refusal struct {
	Object string
	What   string
	Remedy string
	Cause  error
}

// Error gives all of it in one line.
func (r *Refusal) Error() string {
	text := r.Object + ": " + r.What
	if r.Cause != nil {
		text += " (" + r.Cause.Error() + ")"
	}
	return text + ". " + r.Remedy
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// What to do about objects that are not what they must be.
const (
	remedyOther = "Restore another moment that `backup list` shows (--at, or --set-at for this set alone), or fetch the object from a copy of the bucket and put it back under this name in a new bucket"
	remedyForge = "Somebody may have changed the bucket: keep it as it is, look into its access log, and restore a moment whose manifest holds"
	remedyAlien = "Say with --project whose backups these are, if that is what you mean to restore"
)

// Missing is the refusal of an object that is not there.
func Missing(object string, cause error) *Refusal {
	return &Refusal{Object: object, What: "it is not there", Remedy: remedyOther, Cause: cause}
}

// Broken is the refusal of a file that does not open.
func Broken(object, what string, cause error) *Refusal {
	return &Refusal{Object: object, What: what, Remedy: remedyOther, Cause: cause}
}

// Locked is the refusal of a file that the keys at hand do not open.
func Locked(object string, cause error) *Refusal {
	return &Refusal{
		Object: object, What: "its key cannot be unwrapped", Cause: cause,
		Remedy: "If the KMS key or its version is gone, use the offline key: --offline-key FILE. A version that is scheduled for destruction can be restored in KMS within its delay",
	}
}
