// Package status shows how the hub is, and proves what it claims.
//
//	status     GET /status, /trust, /v1/incidents, /v1/notices, security.txt, the merged API description; takes reports
//	alerts     hears Monitoring's notifications and operators' messages, on the topic `alerts`
//	summarize  every minute: asks every public function whether it answers, gathers evidence, writes what the pages show
//
// # One document
//
// A page is ONE read: summarize writes all that pages show into `status/summary`, and an instance keeps it for a few
// seconds. When the database is away an instance shows what it saw last, or else the copy in the bucket, with a mark that
// says how old it is. Claims are judged by the time of the request, never by that of the summary: evidence that nobody
// renews grows late on its own, whoever is down.
//
// # Copies
//
// summarize also writes both pages, the feed and the summary into the bucket `status`, which everybody can read at Google's
// own address: in a region in which the hub does not run, under no key and behind no load balancer of the hub. Pages there
// say that they are copies, and from when on they tell nothing.
//
// # Operators' messages
//
// An operator who has only the console publishes a message on the topic `alerts`:
//
//	{"operator": "kim", "title": "Orders are slow", "impact": "minor", "functions": ["orders"], "message": "We look into it."}
//	{"operator": "kim", "incident": "inc_…", "state": "resolved", "message": "It is mended."}
//
// Who may publish there is for IAM to say; the name in the message is only the operator's word, and stands in the audit
// log as that. `ryggrad incident` does the same with a name that is asked for.
//
// # Decisions
//
// The description of the whole API is merged from what every function says of itself, over the hub's own address, and
// kept for a while. A file that is merged at build was rejected: it tells what was built together, this tells what runs,
// also in the middle of a deployment.
//
// Regions are asked at addresses that the operator gives (RYGGRAD_REGIONS); without one, nothing proves that a region
// serves, and the trust page says so.
package status
