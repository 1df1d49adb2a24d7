package channel

import (
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// hubRiseAPI: hubrise.com/developers, "Authentication" and "Orders": a token for good in a header of its own, and orders
// under their location, which the link's location names.
func hubRiseAPI() API {
	at := func(base, place, id string) string {
		return base + "/v1/locations/" + segment(place) + "/orders/" + segment(id)
	}
	return API{
		Base: "https://api.hubrise.com",
		auth: func(a Account, _ string) (name, value string) { return "X-Access-Token", a.Credential(CredentialToken) },
		order: func(base string, from Reference) webhook.Call {
			return get(at(base, from.Place, from.ChannelOrderID))
		},
		retimes: true,
		report: func(base string, r Report, _ Account) (webhook.Call, bool) {
			code, ok := hubRise().CodeOf(r.Status)
			if !ok || r.Status == order.Received && !r.Retimed {
				return webhook.Call{}, false
			}
			body := map[string]any{"status": code}
			if r.Retimed {
				body = map[string]any{}
			}
			if r.ReadyAt != "" {
				body["confirmed_time"] = string(r.ReadyAt)
			}
			return send("PATCH", at(base, r.Place, r.ChannelOrderID), body), true
		},
	}
}

// squareAPI: developer.squareup.com, "Orders API: RetrieveOrder": a token for good. An order's state is the seller's own
// affair there, so nothing is reported.
func squareAPI() API {
	return API{
		Base: "https://connect.squareup.com",
		auth: func(a Account, _ string) (name, value string) { return bearer(a, a.Credential(CredentialToken)) },
		order: func(base string, from Reference) webhook.Call {
			return get(base + "/v2/orders/" + segment(from.ChannelOrderID))
		},
	}
}

// deliverooAPI: api-docs.deliveroo.com, "Order API": the sync status says whether the order reached the restaurant's
// system, which Deliveroo wants to hear within minutes; the stages of preparation follow.
func deliverooAPI() API {
	return API{
		Base: "https://api.developers.deliveroo.com", Hosts: []string{"auth.developers.deliveroo.com"}, auth: bearer,
		token: func(base string, a Account) webhook.Call {
			if a.Options[OptionAPI] != "" {
				return basicCredentials("/oauth2/token")(base, a)
			}
			return basicCredentials("https://auth.developers.deliveroo.com/oauth2/token")(base, a)
		},
		report: deliverooReport,
	}
}

func deliverooReport(base string, r Report, _ Account) (webhook.Call, bool) {
	at, when := base+"/order/v1/orders/"+segment(r.ChannelOrderID), r.At.UTC().Format("2006-01-02T15:04:05.000Z")
	stages := map[order.Status]string{order.Preparing: "in_kitchen", order.Ready: "ready_for_collection", order.InDelivery: "collected"}
	if stage, ok := stages[r.Status]; ok {
		return send("POST", at+"/prep_stage", map[string]any{"stage": stage, "occurred_at": when}), true
	}
	switch {
	case r.Status == order.Accepted:
		return send("POST", at+"/sync_status", map[string]any{"status": "succeeded", "occurred_at": when}), true
	case calledOff(r.Status):
		return send("POST", at+"/sync_status", map[string]any{
			"status": "failed", "reason": "other", "notes": either(r.Reason, "the restaurant cannot take it"), "occurred_at": when,
		}), true
	default:
		return webhook.Call{}, false
	}
}

// jetAPI: uk.api.just-eat.io, "Async webhooks": once it is known what became of an order, that is posted to the address
// that its webhook named, one time. The documents know no call for what happens later, and none of our own making is
// invented. The address is no part of what JET proves, so it gets to know no secret and nothing of the guest.
func jetAPI() API {
	return API{callsBack: true, report: func(callback string, r Report, _ Account) (webhook.Call, bool) {
		if !r.First {
			return webhook.Call{}, false
		}
		switch {
		case r.Status == order.Received:
			return webhook.Call{}, false
		case calledOff(r.Status) || r.Status == order.Expired:
			return send("POST", callback, jetResult{Status: "Failure", Message: either(r.Reason, "the restaurant did not take the order")}), true
		default:
			return send("POST", callback, jetResult{Status: "Success", Message: "the restaurant has the order"}), true
		}
	}}
}

// jetResult is what JET is called back with.
type jetResult struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Data    struct{} `json:"data"`
}
