package evidence

import "time"

// Claim is a sentence about the hub and the evidence that it stands on.
type Claim struct {
	ID       string
	Title    string
	Sentence string
	Kinds    []Kind // none: a statement, which is shown as one and never as green
	Link     Link   // where more is to be read, or ""
}

// Link names a page that a claim leads to. Which address that is the operator says.
type Link string

// The links.
const (
	LinkPolicies         Link = "policies"         // the operator's policies and training
	LinkCertificates     Link = "certificates"     // the reports of the data centres
	LinkResponsibilities Link = "responsibilities" // what is left to the customer
	LinkCheckpoint       Link = "checkpoint"       // the newest checkpoint, to verify
	LinkSecurity         Link = "security"         // how to report a vulnerability
	LinkStatus           Link = "status"           // incidents and uptime
)

// Claims returns every claim of the trust page, in its order.
func Claims() []Claim {
	return []Claim{
		{"encryption-in-transit", "Encryption in transit", "Every connection to the hub is encrypted with TLS 1.2 or newer.", []Kind{TLS}, ""},
		{"encryption-at-rest", "Encryption at rest", "Personal data of guests is encrypted with a key of its own for each order, under keys that never leave the key service.", []Kind{KeyAges}, ""},
		{"key-custody", "Key custody and rotation", "Keys live in Google Cloud KMS, nobody can take them out, and each is renewed on a schedule; the age of every key is shown.", []Kind{KeyAges}, ""},
		{"authentication", "Modern authentication, second factor", "Everybody who can reach people, keys or settings logs in with a second factor.", []Kind{SecondFactor}, ""},
		{"initial-passwords", "Initial passwords, no recovery", "A first password is made by the hub, works once and for a day; a lost one is replaced and never recovered.", []Kind{Passwords}, ""},
		{"support-access", "Consent for support access", "Our support sees a customer's account only after its owner grants a person, a reason and a day at most.", []Kind{SupportAccess}, ""},
		{"admin-access", "Logged administrator access", "What operators do is written into a log that nobody can quietly rewrite, and whoever wants can verify it.", []Kind{AuditCheckpoint, AdminAccess}, LinkCheckpoint},
		{"remote-access", "Encrypted remote access", "Operators reach the project only through encrypted connections that know who they are.", []Kind{RemoteAccess}, ""},
		{"backups-hourly", "Backups every hour", "Orders and the keys of personal data are backed up every hour, encrypted, to another place.", []Kind{BackupHot, BackupKeys, BackupVerify}, ""},
		{"backups-three-hourly", "Backups every three hours", "Accounts, people and settings are backed up every three hours.", []Kind{BackupConfig}, ""},
		{"disaster-recovery", "Zones, regions and disaster recovery", "The hub runs in several zones of each region; that its backups restore is tried every week, and how long it takes is measured.", []Kind{Regions, Drill}, ""},
		{"data-centres", "Certified data centres", "The data centres are Google Cloud's; their certificates and audit reports are public.", nil, LinkCertificates},
		{"uptime", "Uptime", "Orders are taken in during 99.9 % of all minutes at least, measured every minute.", []Kind{Uptime}, LinkStatus},
		{"monitoring", "Continuous monitoring", "Every public function is asked every minute whether it answers.", []Kind{Monitoring}, LinkStatus},
		{"alerting", "Automatic alerting", "People are alerted by machines, and notices appear on the dashboard and the status page without anybody's doing.", []Kind{AlertPath, Incidents}, LinkStatus},
		{"incidents", "Incident procedure", "Affected customers are told of every step of an incident, and every step is in the audit log.", []Kind{Incidents}, LinkStatus},
		{"vulnerabilities", "Vulnerability handling", "Code and dependencies are scanned for known vulnerabilities before each delivery and every week.", []Kind{VulnerabilityScan}, ""},
		{"development", "Secure development", "What runs was built from reviewed sources by a pipeline that checks them.", []Kind{Build, VulnerabilityScan}, ""},
		{"disclosure", "Responsible disclosure", "Whoever finds a weakness can tell us, encrypted, and gets a receipt.", []Kind{SecurityContact}, LinkSecurity},
		{"firewall", "Firewall and intrusion detection", "A web application firewall and rate limits stand before the hub, and attacks are looked for.", []Kind{Edge}, ""},
		{"gdpr", "Rights of guests (GDPR)", "A guest's data can be shown, handed out and erased for good; the time until it is in no backup either is shown.", []Kind{Erasure}, ""},
		{"pci", "Card numbers (PCI DSS)", "Card numbers are refused or masked before they are stored, so that the hub stays out of the scope of PCI DSS.", []Kind{CardRefusal}, ""},
		{"policies", "Policies and training", "Policies are reviewed and people trained at least once a year.", []Kind{Policies}, LinkPolicies},
		{"responsibilities", "Your own responsibilities", "Customers keep their passwords and API keys to themselves, give people the least rights, and end those who leave.", nil, LinkResponsibilities},
	}
}

// Judged is a claim as it stands at a time.
type Judged struct {
	Claim

	State State // "" of a statement
	Proof []Proof
}

// Proof is evidence of a claim as it stands, or the lack of it.
type Proof struct {
	Rule     Rule
	State    State
	Evidence *Evidence // nil when there is none
}

// JudgeAll says how every claim stands now. A claim is as bad as the worst of its evidence.
func JudgeAll(newest map[Kind]Evidence, now time.Time) []Judged {
	rules := map[Kind]Rule{}
	for _, r := range Rules() {
		rules[r.Kind] = r
	}
	claims := Claims()
	judged := make([]Judged, len(claims))
	for i, c := range claims {
		judged[i].Claim = c
		for _, k := range c.Kinds {
			p := Proof{Rule: rules[k]}
			if e, there := newest[k]; there {
				p.Evidence = &e
			}
			p.State = p.Rule.Judge(p.Evidence, now)
			judged[i].Proof = append(judged[i].Proof, p)
			judged[i].State = worst(judged[i].State, p.State)
		}
	}
	return judged
}

func worst(so, far State) State {
	if so == "" {
		return far
	}
	return so.Worse(far)
}
