package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// KeptPrefix begins the id of every kept message.
const KeptPrefix = "msg_"

// KeptState is what has become of a kept message.
type KeptState string

// The states.
const (
	KeptNoted   KeptState = "noted"   // understood; there is nothing to do
	KeptFailed  KeptState = "failed"  // an order that could not be read: somebody must look
	KeptWaiting KeptState = "waiting" // a cancellation whose order is not here yet
	KeptSettled KeptState = "settled" // a failed one was replayed, a waiting one carried out
	KeptMissed  KeptState = "missed"  // the order of a cancellation never came
)

// KeptStates returns every state.
func KeptStates() []KeptState {
	return []KeptState{KeptNoted, KeptFailed, KeptWaiting, KeptSettled, KeptMissed}
}

// PathFetched is the path of what did not come by a webhook but was fetched.
const PathFetched = "fetched"

// WaitForOrder is how long a cancellation waits for its order.
const WaitForOrder = 24 * time.Hour

// A Kept is a message that made no order, as the hub keeps it: what was understood of it in plain, its bytes sealed
// elsewhere. It holds nothing of a guest.
type Kept struct {
	ID         string // see [KeptID]
	Tenant     string
	Link       string
	Adapter    string
	Path       string // which of the adapter's paths it came by
	Location   string // the link's only location; "" when it serves several
	State      KeptState
	What       string     // what it says: `cancel`, an event's name, or `unreadable`
	Problem    fault.Kind // why it could not be read, or ""
	Reason     string     // why, as a code; see [ReasonCode]
	Ref        Ref        // the platform's order that it is about, if it is about one
	Place      string     // the platform's id of the restaurant, of what was fetched; its bytes may not say it
	Order      string     // the hub's order that it is about or became, once that is known
	ReceivedAt time.Time
	SettledAt  time.Time // zero until it is settled or missed
	Remark     string    // of whoever settled it by hand
}

// KeptID names a message so that the same message sent again has the same id: by the platform's own id of the event
// where there is one, else by its bytes. Bytes may hold a guest's data, so the id is an HMAC under the link's secret.
func KeptID(link, path string, m Mark, body, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	for _, part := range []string{link, path, m.EventID} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	if m.EventID == "" {
		mac.Write(body)
	}
	id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:16])
	return KeptPrefix + strings.ToLower(id)
}

// Keepable returns the bytes of a payload as they may be kept: as sent, but for card numbers, whether or not it is JSON.
func Keepable(body []byte) []byte {
	if kept, _, err := order.MaskCardsInJSON(body); err == nil && jsontext.Value(kept).IsValid() {
		return kept
	}
	if masked, found := order.MaskCardsIn(string(body)); found {
		return []byte(masked)
	}
	return body
}

// Settle returns the message as it is when it is done with.
func (k Kept) Settle(state KeptState, order string, now time.Time) Kept {
	k.State, k.SettledAt = state, now.UTC().Truncate(time.Microsecond)
	if order != "" {
		k.Order = order
	}
	return k
}

// MaxRemark bounds a remark, in code points.
const MaxRemark = 500

// SettleByHand returns the message as it is when somebody says that it needs no more, and why. A message that is settled
// already stays as it is. One that was never more than noted, or still waits for its order, is [fault.Conflict]; a remark that
// breaks the rules of an order's texts is [fault.Invalid].
func (k Kept) SettleByHand(remark string, now time.Time) (Kept, error) {
	switch k.State {
	case KeptSettled:
		return k, nil
	case KeptFailed, KeptMissed:
	default:
		return k, fault.New(fault.Conflict, "the message is %s; only one that failed or was missed is settled by hand", k.State)
	}
	remark = strings.TrimSpace(remark)
	problem := ""
	switch {
	case remark == "" || !utf8.ValidString(remark) || utf8.RuneCountInString(remark) > MaxRemark:
		problem = "takes 1 to 500 characters"
	case order.CardNumber(remark):
		problem = "holds a card number; card data must not be sent here"
	}
	if problem != "" {
		return k, fault.New(fault.Invalid, "the message cannot be settled so").With(fault.Detail{Location: "body.reason", Message: problem})
	}
	k = k.Settle(KeptSettled, "", now)
	k.Remark = remark
	return k, nil
}

// GivenUp tells whether a cancellation has waited long enough for its order.
func (k Kept) GivenUp(now time.Time) bool { return now.Sub(k.ReceivedAt) >= WaitForOrder }

// Document returns the message as a database document, without its id.
func (k Kept) Document() map[string]any {
	identity := make([]any, len(k.Ref.Identity))
	for i, part := range k.Ref.Identity {
		identity[i] = part
	}
	doc := map[string]any{
		"tenant": k.Tenant, "link": k.Link, "adapter": k.Adapter, "path": k.Path, "location": k.Location, "state": string(k.State), "what": k.What,
		"problem": string(k.Problem), "reason": k.Reason, "channelOrderId": k.Ref.ChannelOrderID, "identity": identity, "place": k.Place, "order": k.Order, "receivedAt": k.ReceivedAt,
	}
	if k.State == KeptWaiting { // what the reconciling job looks for
		doc["waitingSince"] = k.ReceivedAt
	}
	if !k.SettledAt.IsZero() {
		doc["settledAt"] = k.SettledAt
	}
	if k.Remark != "" {
		doc["remark"] = k.Remark
	}
	return doc
}

// ParseKept reads what [Kept.Document] wrote under the id. A field of another type is an error.
func ParseKept(id string, doc map[string]any) (Kept, error) {
	r := keptReader{doc: doc}
	k := Kept{
		ID: id, Tenant: r.text("tenant"), Link: r.text("link"), Adapter: r.text("adapter"), Path: r.text("path"), Location: r.text("location"),
		State: KeptState(r.text("state")), What: r.text("what"), Problem: fault.Kind(r.text("problem")), Reason: r.text("reason"), Order: r.text("order"),
		Ref:        Ref{ChannelOrderID: r.text("channelOrderId")},
		Place:      r.text("place"),
		ReceivedAt: r.time("receivedAt"), SettledAt: r.time("settledAt"), Remark: r.text("remark"),
	}
	parts, _ := doc["identity"].([]any)
	for _, part := range parts {
		text, _ := part.(string)
		k.Ref.Identity = append(k.Ref.Identity, text)
	}
	if r.err != nil {
		return Kept{}, fmt.Errorf("message %s: %w", id, r.err)
	}
	return k, nil
}

// A keptReader reads fields and keeps the first error. A missing field is its zero value.
type keptReader struct {
	doc map[string]any
	err error
}

func (r *keptReader) text(name string) string { return keptField[string](r, name) }

func (r *keptReader) time(name string) time.Time { return keptField[time.Time](r, name) }

func keptField[T any](r *keptReader, name string) (value T) {
	stored := r.doc[name]
	if stored == nil {
		return value
	}
	value, ok := stored.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("field %s is of type %T, want %T", name, stored, value)
	}
	return value
}

// ReasonCode returns what of a channel's reason may stand in plain: a code such as `CANCELED_BY_EATER`, and nothing of
// words that somebody wrote, which may name the guest. A code is what is written with underscores and nothing that words
// are written with. The whole reason is in the kept message.
func ReasonCode(reason string) string {
	letters := 0
	for _, r := range reason {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			letters++
		case r != '_' && (r < '0' || r > '9'):
			return ""
		}
	}
	if !strings.Contains(reason, "_") || letters < 2 || len(reason) > 80 {
		return ""
	}
	return reason
}
