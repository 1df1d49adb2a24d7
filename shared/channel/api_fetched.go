package channel

import (
	"net/url"

	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// uberEatsAPI: developer.uber.com, "Eats Marketplace APIs": authentication; `GET /v2/eats/order/{id}`; accept, deny and
// cancel under `/v1/eats/orders/{id}`. The tokens come from a host of their own, unless the link says where all is.
func uberEatsAPI() API {
	const scope = "eats.order eats.store.orders.read"
	return API{
		Base: "https://api.uber.com", Hosts: []string{"auth.uber.com"}, auth: bearer,
		token: func(base string, a Account) webhook.Call {
			if a.Options[OptionAPI] != "" {
				return clientCredentials("/oauth/v2/token", scope)(base, a)
			}
			return clientCredentials("https://auth.uber.com/oauth/v2/token", scope)(base, a)
		},
		order: func(base string, from Reference) webhook.Call {
			return get(base + "/v2/eats/order/" + segment(from.ChannelOrderID))
		},
		report: uberEatsReport,
	}
}

func uberEatsReport(base string, r Report, _ Account) (webhook.Call, bool) {
	at := base + "/v1/eats/orders/" + segment(r.ChannelOrderID)
	switch r.Status {
	case order.Accepted:
		return send("POST", at+"/accept_pos_order", map[string]any{"reason": "accepted", "external_reference_id": r.Order}), true
	case order.Rejected:
		return send("POST", at+"/deny_pos_order", map[string]any{
			"reason": map[string]any{"explanation": either(r.Reason, "the restaurant cannot take it"), "code": "OTHER"},
		}), true
	case order.Cancelled, order.Failed:
		return send("POST", at+"/cancel", map[string]any{
			"reason": "OTHER", "details": either(r.Reason, "the restaurant cannot carry it out"), "cancelling_party": "MERCHANT",
		}), true
	default:
		return webhook.Call{}, false
	}
}

// iFoodAPI: developer.ifood.com.br, "Authentication" and "Order": the token request spells its fields in camel case; an
// order is moved on by a POST without a body, and called off by a request that iFood decides.
func iFoodAPI() API {
	return API{
		Base: "https://merchant-api.ifood.com.br", auth: bearer,
		token: func(base string, a Account) webhook.Call {
			return form(base+"/authentication/v1.0/oauth/token", url.Values{
				"grantType": {"client_credentials"}, "clientId": {a.Credential(CredentialID)}, "clientSecret": {a.Credential(CredentialSecret)},
			}, nil)
		},
		order: func(base string, from Reference) webhook.Call {
			return get(base + "/order/v1.0/orders/" + segment(from.ChannelOrderID))
		},
		report: iFoodReport,
	}
}

// iFoodSystemTrouble is the documented code of a cancellation for which no other code fits.
const iFoodSystemTrouble = "501"

func iFoodReport(base string, r Report, _ Account) (webhook.Call, bool) {
	at := base + "/order/v1.0/orders/" + segment(r.ChannelOrderID)
	verbs := map[order.Status]string{
		order.Accepted: "confirm", order.Preparing: "startPreparation", order.Ready: "readyToPickup", order.InDelivery: "dispatch",
	}
	if verb, ok := verbs[r.Status]; ok {
		return send("POST", at+"/"+verb, nil), true
	}
	if calledOff(r.Status) {
		return send("POST", at+"/requestCancellation", map[string]any{
			"reason": either(r.Reason, "SYSTEM"), "cancellationCode": iFoodSystemTrouble,
		}), true
	}
	return webhook.Call{}, false
}

// calledOff tells whether the restaurant will not bring the order to its end.
func calledOff(s order.Status) bool {
	return s == order.Rejected || s == order.Cancelled || s == order.Failed
}

// openDeliveryAPI: abrasel-nacional.github.io. Every platform has an address of its own, which the link says; the order
// is where the event says, on that host. A repeated confirmation is answered with 202.
func openDeliveryAPI() API {
	return API{
		auth: bearer, token: clientCredentials("/oauth/token", ""),
		order: func(base string, from Reference) webhook.Call {
			if from.Resource != "" {
				return get(from.Resource)
			}
			return get(base + "/v1/orders/" + segment(from.ChannelOrderID))
		},
		report: openDeliveryReport,
	}
}

func openDeliveryReport(base string, r Report, _ Account) (webhook.Call, bool) {
	at := base + "/v1/orders/" + segment(r.ChannelOrderID)
	switch r.Status {
	case order.Accepted:
		return send("POST", at+"/confirm", map[string]any{"createdAt": r.At.UTC().Format("2006-01-02T15:04:05.000Z"), "orderExternalCode": r.Order}), true
	case order.Ready:
		return send("POST", at+"/readyForPickup", nil), true
	case order.InDelivery:
		return send("POST", at+"/dispatch", nil), true
	case order.Completed:
		return send("POST", at+"/delivered", nil), true
	case order.Rejected, order.Cancelled, order.Failed:
		return send("POST", at+"/requestCancellation", map[string]any{
			"reason": either(r.Reason, "the restaurant cannot carry it out"), "code": "SYSTEMIC_ISSUES", "mode": "AUTO",
		}), true
	default:
		return webhook.Call{}, false
	}
}

// otterAPI: developer.tryotter.com, "Authentication" and "Orders". The store is named in a header. How a status is
// reported is not documented publicly, so the tenant's own endpoints hear of it and nobody else.
func otterAPI() API {
	return API{
		Base: "https://partners.cloudkitchens.com", auth: bearer, token: clientCredentials("/v1/auth/token", "orders.read"),
		order: func(base string, from Reference) webhook.Call {
			call := get(base + "/v1/orders/" + segment(from.ChannelOrderID))
			if from.Place != "" {
				call.Header["X-Store-Id"] = from.Place
			}
			return call
		},
	}
}

// deliverectAPI: developers.deliverect.com, "Channel API: order status update". The channel says where it wants to hear of
// statuses when it registers: that address is the link's option. The update is signed as its own webhooks are. Another time
// to be ready at is told in the same form ("preparation time update").
func deliverectAPI() API {
	return API{retimes: true, report: func(base string, r Report, a Account) (webhook.Call, bool) {
		code, ok := deliverect().CodeOf(r.Status)
		if !ok || r.Status == order.Received && !r.Retimed {
			return webhook.Call{}, false
		}
		status := integer(0)
		if err := status.UnmarshalJSON([]byte(code)); err != nil {
			return webhook.Call{}, false
		}
		call := send("POST", base, map[string]any{
			"orderId": r.Order, "channelOrderId": r.ChannelOrderID, "location": r.Place, "status": int64(status), "reason": r.Reason,
			"timeStamp": r.At.UTC().Format("2006-01-02T15:04:05.000Z"), "pickupTime": string(r.ReadyAt),
		})
		call.Header[DeliverectSignature] = Signature{}.encode(mac(call.Body, []byte(a.Credential(WebhookSecret))))
		return call, true
	}}
}
