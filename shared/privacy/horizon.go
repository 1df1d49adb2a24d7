package privacy

import "time"

// A Copy is a class of copies of a guest's data, and how long after an erasure one of them can still be opened by whoever
// has every right that there is.
type Copy struct {
	Of      string
	Within  time.Duration // of the erasure; 0 is at once
	Because string
}

const day = 24 * time.Hour

// The horizons of the copies that Google keeps of the database, and of those that the hub makes.
const (
	pointInTime   = 7 * day   // Firestore's point-in-time recovery
	nativeBackups = 28 * day  // Firestore's own backups: daily for 14 days, weekly for four weeks
	keysSets      = 35 * day  // the hub's backups of keys, in a bucket without soft delete
	settling      = 2 * day   // a backup begun before the erasure ends after it; deletion by lifecycle rules is late
	messages      = 30 * day  // kept messages that nobody could read
	instances     = time.Hour // a request that was being served, with keys that it had opened
)

// Horizon is when the last copy is gone: 37 days.
const Horizon = keysSets + settling

// Copies returns every class of copies, with its horizon. What is not in it holds no guest's data.
func Copies() []Copy {
	return []Copy{
		{"the live database", 0, "the key, the original and the sealed guest are deleted in one commit"},
		{"functions' memory", instances, "no order's key outlives its request; tenants' keys, which serve an hour at most, open nothing without it"},
		{"messages that nobody could read and that do not name the contact", messages, "they have no index; their keys expire"},
		{"events that were only noted and tell of no order that is here", messages, "they have no index and are not searched; their keys expire"},
		{"the database's point-in-time recovery", pointInTime, "Google keeps seven days of versions"},
		{"the database's own backups", nativeBackups, "the oldest is four weeks old"},
		{"backups of orders and originals", 0, "they hold ciphertext only; its key is in none of their files"},
		{"backups of keys", keysSets, "they are kept 35 days in a bucket without soft delete, and every restore carries out all erasures"},
	}
}
