package evidence

import "slices"

// Kind names a kind of evidence; it is also the id of its document.
type Kind string

// The kinds of evidence, the time that their `at` is, and the facts that a recorder gives. Facts beyond these are kept
// and shown as they are.
const (
	// BackupHot, BackupConfig and BackupKeys tell of the newest whole backup of a set. The time is T, the moment that
	// the backup shows, not when it was done. `documents` and `bytes` are its size, `full` whether it stands alone.
	BackupHot    Kind = "backup-hot"
	BackupConfig Kind = "backup-config"
	BackupKeys   Kind = "backup-keys"
	// BackupVerify tells of the newest check of the kept backups, from manifest to bytes. `ok`; `sets` were checked.
	BackupVerify Kind = "backup-verify"
	// Drill tells of the newest restore that was tried into a database of its own. `ok`; `seconds` is how long it took
	// until the data could be used; `documents` came back.
	Drill Kind = "drill"
	// AuditCheckpoint tells of the newest signed checkpoint of the audit log, also when a run found nothing new to
	// seal. `size` is how many entries it has.
	AuditCheckpoint Kind = "audit-checkpoint"
	// KeyAges tells how old keys are: by each key's name the days since its version in use was made.
	KeyAges Kind = "key-ages"
	// Erasure tells of the newest look at what is due for erasure. `horizonDays` is after how many days an erased
	// guest is in no backup either; `erasures` were asked for so far.
	Erasure Kind = "erasure"
	// SecondFactor tells of people who must have a second factor: `people` of them, `covered` have one.
	SecondFactor Kind = "second-factor"
	// SupportAccess tells how often the hub's support was let in: `grants` in the last 30 days, `open` now.
	SupportAccess Kind = "support-access"
	// TLS tells how the hub's public address was reached: `version`, and `daysLeft` of its certificate.
	TLS Kind = "tls"
	// Uptime tells in how many of its minutes the hub answered: by month, as `2026-11`, a share from 0 to 1.
	Uptime Kind = "uptime"
	// Regions tells where the hub serves: by each region's name whether it answers.
	Regions Kind = "regions"
	// VulnerabilityScan tells of the newest scan of code and dependencies. `ok`; `findings` are open.
	VulnerabilityScan Kind = "vulnerability-scan"
	// SecurityContact tells until when the file that names the security contact holds: `daysLeft`.
	SecurityContact Kind = "security-contact"
	// Monitoring tells of the newest sign that the way from Monitoring to the status page works.
	Monitoring Kind = "monitoring"
)

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{
		BackupHot, BackupConfig, BackupKeys, BackupVerify, Drill, AuditCheckpoint, KeyAges, Erasure, SecondFactor,
		SupportAccess, TLS, Uptime, Regions, VulnerabilityScan, SecurityContact, Monitoring,
	}
}

// Known tells whether the kind is one of [Kinds].
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }
