package status

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/httpapi"
)

// trustView is what the trust page shows.
type trustView struct {
	frame

	Counts []countView
	Claims []claimView
}

type countView struct {
	State string
	Count int
}

type claimView struct {
	evidence.Judged

	Class, Words string
	URL, URLText string
	Proof        []proofView
}

type proofView struct {
	Shows, Class, Words, Rule string
	At                        time.Time
	Age                       string
	Facts                     []factView
}

type factView struct{ Name, Value string }

// stated is what a claim without evidence is.
const stated = "stated"

func (p *pages) trust(sh shown, l links) ([]byte, error) {
	v := trustView{frame: p.frame("trust", "Trust", sh, l)}
	counts := map[string]int{}
	for _, j := range evidence.JudgeAll(sh.newest(), sh.Now) {
		c := claimView{Judged: j, Class: classOf(j.State)}
		c.Words = c.Class
		c.URL, c.URLText = p.link(j.Link, l)
		for _, proof := range j.Proof {
			c.Proof = append(c.Proof, viewProof(proof, sh.Now))
		}
		counts[c.Class]++
		v.Claims = append(v.Claims, c)
	}
	for _, state := range []string{"green", "late", "failing", "missing", stated} {
		v.Counts = append(v.Counts, countView{state, counts[state]})
	}
	return p.render("trust.html", v)
}

func classOf(s evidence.State) string {
	if s == "" {
		return stated
	}
	return string(s)
}

// link returns where a claim leads, and what that is called. One that the operator must give may be missing.
func (p *pages) link(to evidence.Link, l links) (address, text string) {
	switch to {
	case evidence.LinkPolicies:
		return p.cfg.PoliciesLink, "Policies and training"
	case evidence.LinkCertificates:
		return p.cfg.CertificatesLink, "Google's certificates and audit reports"
	case evidence.LinkResponsibilities:
		return p.cfg.ResponsibilitiesLink, "What is left to the customer"
	case evidence.LinkCheckpoint:
		return l.Log, "The newest checkpoint, to verify"
	case evidence.LinkSecurity:
		return p.cfg.BaseURL + "/.well-known/security.txt", "How to report a weakness"
	case evidence.LinkStatus:
		return l.Status, "Status and incidents"
	default:
		return "", ""
	}
}

func viewProof(p evidence.Proof, now time.Time) proofView {
	v := proofView{Shows: p.Rule.Shows, Class: classOf(p.State), Words: string(p.State), Rule: p.Rule.Words()}
	if p.Evidence == nil {
		return v
	}
	v.At, v.Age = p.Evidence.At, age(now.Sub(p.Evidence.At))
	for _, name := range slices.Sorted(maps.Keys(p.Evidence.Facts)) {
		v.Facts = append(v.Facts, factView{name, factText(p.Evidence.Facts[name])})
	}
	for _, name := range p.Rule.Lacking(*p.Evidence) {
		v.Facts = append(v.Facts, factView{name, "not there"})
	}
	return v
}

// age says how long ago something was.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", d/time.Hour)
	default:
		return fmt.Sprintf("%d days ago", d/(24*time.Hour))
	}
}

func factText(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 5, 64), "0"), ".")
	default:
		return fmt.Sprint(v)
	}
}

type trustBody struct {
	AsOf   time.Time   `json:"asOf" doc:"When the evidence was gathered; claims are judged as of now"`
	Stale  bool        `json:"stale" doc:"This is older than it should be, since the hub cannot tell anew"`
	Claims []claimBody `json:"claims" nullable:"false"`
}

type claimBody struct {
	ID       string      `json:"id"`
	Title    string      `json:"title"`
	Claim    string      `json:"claim"`
	State    string      `json:"state" enum:"green,late,failing,missing,stated" doc:"stated: nothing measures it"`
	Evidence []proofBody `json:"evidence" nullable:"false"`
	Link     string      `json:"link,omitzero"`
}

type proofBody struct {
	Kind  evidence.Kind  `json:"kind"`
	Shows string         `json:"shows"`
	State evidence.State `json:"state" enum:"green,late,failing,missing"`
	At    time.Time      `json:"at,omitzero"`
	Facts map[string]any `json:"facts,omitzero"`
	Lacks []string       `json:"lacks,omitzero" doc:"Facts that it should have and has not"`
	Rule  string         `json:"rule" doc:"When it is green, late and failing"`
}

func (p *pages) trustJSON(sh shown) trustBody {
	b := trustBody{AsOf: sh.BuiltAt, Stale: sh.Stale}
	for _, j := range evidence.JudgeAll(sh.newest(), sh.Now) {
		c := claimBody{ID: j.ID, Title: j.Title, Claim: j.Sentence, State: classOf(j.State), Evidence: []proofBody{}}
		c.Link, _ = p.link(j.Link, ownLinks())
		for _, one := range j.Proof {
			proof := proofBody{Kind: one.Rule.Kind, Shows: one.Rule.Shows, State: one.State, Rule: one.Rule.Words()}
			if one.Evidence != nil {
				proof.At, proof.Facts, proof.Lacks = one.Evidence.At, one.Evidence.Facts, one.Rule.Lacking(*one.Evidence)
			}
			c.Evidence = append(c.Evidence, proof)
		}
		b.Claims = append(b.Claims, c)
	}
	return b
}

// trust serves the trust page, or its facts.
func (s *server) trust(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	return s.negotiate(w, r, func(sh shown) ([]byte, error) { return s.pages.trust(sh, ownLinks()) },
		func(sh shown) any { return s.pages.trustJSON(sh) })
}
