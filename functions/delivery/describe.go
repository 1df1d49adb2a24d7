package delivery

import (
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/httpapi"
)

// outgoing describes what endpoints receive; package delivery makes it.
type outgoing struct {
	Type      delivery.Type `json:"type" doc:"What happened"`
	Timestamp string        `json:"timestamp" format:"date-time" doc:"When it happened (RFC 3339)"`
	Data      outgoingData  `json:"data"`
}

type outgoingData struct {
	_        struct{} `additionalProperties:"true"`
	Order    string   `json:"order,omitempty" doc:"The order's id"`
	Location string   `json:"location,omitempty" doc:"The location's id"`
	Sequence int64    `json:"sequence,omitempty" doc:"Numbers the events of an order: 1, 2, 3 … without gaps"`
	Retimed  bool     `json:"retimed,omitempty" doc:"The status is the former one: what is new is readyAt"`
	ReadyAt  string   `json:"readyAt,omitempty" format:"date-time" doc:"When the order is expected to be ready, in messages that it moved"`
	Endpoint string   `json:"endpoint,omitempty" doc:"The endpoint's id, in messages about one"`
	Content  *content `json:"content,omitempty" doc:"The whole order as it stands when sent; full payloads only"`
}

// describeMessages tells in the API description what is sent to endpoints.
func describeMessages(api *httpapi.API) {
	about := map[delivery.Type]string{
		delivery.OrderReceived:      "An order was taken in",
		delivery.OrderStatusChanged: "An order reached another status, or another time to be ready at",
		delivery.OrderCancelled:     "An order was cancelled",
		delivery.OrderFailed:        "An order could not be carried out, or expired",
		delivery.EndpointDisabled:   "An endpoint was switched off by the hub",
		delivery.NoticeCreated:      "There is news about the hub itself",
	}
	for _, t := range delivery.Types() {
		api.Webhook(string(t), about[t], httpapi.Content{Of: outgoing{}})
	}
	api.Webhook(string(delivery.TestType), "The owner of an endpoint tries it", httpapi.Content{Of: outgoing{}})
}
