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
	// seal. `size` is how many entries it has, `unsealedSeconds` how long the oldest one waits that is not in it.
	AuditCheckpoint Kind = "audit-checkpoint"
	// KeyAges tells how old keys are: by each key's name the days since its newest version was made. `tenantKeys` are under
	// their versions from `tenantKeysLowestVersion` to `tenantKeysPrimaryVersion`, but for `tenantKeysFailed`.
	KeyAges Kind = "key-ages"
	// Erasure tells of the newest look at what is due for erasure. `horizonDays` is after how many days an erased
	// guest is in no backup either; `erasures` were asked for so far.
	Erasure Kind = "erasure"
	// SecondFactor tells of people who must have a second factor: `people` of them, `without` one.
	SecondFactor Kind = "second-factor"
	// Passwords tells of initial passwords: `open` ones wait for their first use, `tooLong` live longer than a day.
	Passwords Kind = "passwords"
	// SupportAccess tells how often the hub's support was let in: `grants` in the last 30 days, `open` now.
	SupportAccess Kind = "support-access"
	// TLS tells how the hub's public address was reached: `version`, and `daysLeft` of its certificate.
	TLS Kind = "tls"
	// Uptime tells in how many of its measured minutes the hub took orders in: a share from 0 to 1 by month, as
	// `2026-11`, and `current` of the month that runs; `unmeasuredMinutes` of it were measured by nobody.
	Uptime Kind = "uptime"
	// Regions tells where the hub serves: by each region's name whether it answers, and how many are `unanswered`.
	Regions Kind = "regions"
	// CardRefusal tells that the deployed code was tried with the number of a test card and refused it. `ok`.
	CardRefusal Kind = "card-refusal"
	// VulnerabilityScan tells of the newest scan of code and dependencies. `ok`; `findings` are open.
	VulnerabilityScan Kind = "vulnerability-scan"
	// SecurityContact tells until when the file that names the security contact holds: `daysLeft`.
	SecurityContact Kind = "security-contact"
	// Monitoring tells of the newest round of questions to every public function: `asked`, `unanswered`.
	Monitoring Kind = "monitoring"
	// AlertPath tells when Monitoring's newest notification came.
	AlertPath Kind = "alert-path"
	// Incidents tells of incidents: `open` now, `opened` within 90 days, `untold` steps that tenants were not told yet.
	Incidents Kind = "incidents"
	// Edge, RemoteAccess, AdminAccess, Policies and Build are recorded by operators and their pipeline, see
	// `ryggrad evidence record`: the newest check of firewall and intrusion detection, of how operators reach the
	// project, of the log of their access to data, the newest review of policies and training, the newest delivery.
	Edge         Kind = "edge"
	RemoteAccess Kind = "remote-access"
	AdminAccess  Kind = "admin-access"
	Policies     Kind = "policies"
	Build        Kind = "build"
)

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{
		BackupHot, BackupConfig, BackupKeys, BackupVerify, Drill, AuditCheckpoint, KeyAges, Erasure, SecondFactor, Passwords,
		SupportAccess, TLS, Uptime, Regions, CardRefusal, VulnerabilityScan, SecurityContact, Monitoring, AlertPath, Incidents,
		Edge, RemoteAccess, AdminAccess, Policies, Build,
	}
}

// Known tells whether the kind is one of [Kinds].
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }
