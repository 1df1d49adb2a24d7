package status

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// listener hears what is published on the topic of alerts.
type listener struct{ deps }

// operatorMessage is what an operator publishes; doc.go shows it.
type operatorMessage struct {
	Operator  string          `json:"operator"`
	Incident  string          `json:"incident"`
	State     incident.State  `json:"state"`
	Message   string          `json:"message"`
	Title     string          `json:"title"`
	Impact    incident.Impact `json:"impact"`
	Functions []string        `json:"functions"`
	Regions   []string        `json:"regions"`
	Tenants   []string        `json:"tenants"`
}

var operatorID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// hear takes a message: an operator's, or Monitoring's.
func (l *listener) hear(ctx context.Context, m event.Message) error {
	var kind struct {
		Operator *string `json:"operator"`
	}
	if json.Unmarshal(m.Data, &kind) == nil && kind.Operator != nil {
		return l.hearOperator(ctx, m)
	}
	n, err := incident.ParseNotification(m.Data)
	if err != nil {
		return err
	}
	if err := l.evidence.Record(ctx, evidence.AlertPath, l.now(), map[string]any{"test": n.Test}); err != nil {
		return err
	}
	if n.Test {
		return nil
	}
	if !l.serves(n.Function) {
		n.Impact = incident.None
	}
	l.log.InfoContext(ctx, "alert", "alert", n.ID, "open", n.Open, "policy", n.Policy, "group", n.Group, "impact", string(n.Impact))
	if err := l.incidents.Hear(ctx, n); err != nil {
		return err
	}
	l.tell(ctx)
	return nil
}

// tell has tenants told now and not in a minute. What fails is told then.
func (l *listener) tell(ctx context.Context) {
	if _, err := l.incidents.Tell(ctx); err != nil {
		l.log.WarnContext(ctx, "tenants could not be told of an incident yet", "error", err)
	}
}

func (l *listener) serves(function string) bool {
	return slices.ContainsFunc(l.table, func(f functions.Function) bool { return f.Name == function })
}

func (l *listener) hearOperator(ctx context.Context, m event.Message) error {
	var said operatorMessage
	if err := json.Unmarshal(m.Data, &said); err != nil {
		return fault.New(fault.Malformed, "the operator's message cannot be read").Because(err)
	}
	if !operatorID.MatchString(said.Operator) {
		return fault.New(fault.Invalid, "an operator's message names the operator: up to 64 of a-z, 0-9, dot, hyphen, underscore")
	}
	if said.State == "" {
		said.State = incident.Investigating
	}
	for _, f := range said.Functions {
		if !l.serves(f) {
			return fault.New(fault.Invalid, "there is no function of this name")
		}
	}
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: said.Operator}}
	_, err := l.incidents.Say(ctx, by, incidentdb.Said{
		ID: "message " + m.ID, Incident: said.Incident, State: said.State, Message: said.Message, Title: said.Title,
		Impact: said.Impact, Functions: said.Functions, Regions: said.Regions, Tenants: said.Tenants,
	})
	if err != nil {
		return err
	}
	l.tell(ctx)
	return nil
}
