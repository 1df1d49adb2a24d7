package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// maxAnswer is how much of an endpoint's answer is read, in bytes, so that its connection can be used again.
const maxAnswer = 64 << 10

// envelope is the body of a push request, https://cloud.google.com/pubsub/docs/push#receive_push. Google sends the id
// and the time under two names each.
type envelope struct {
	Message         wrapped `json:"message"`
	Subscription    string  `json:"subscription"`
	DeliveryAttempt int     `json:"deliveryAttempt,omitempty"`
}

type wrapped struct {
	Data         []byte            `json:"data,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	MessageID    string            `json:"messageId"`
	MessageID2   string            `json:"message_id"`
	PublishTime  time.Time         `json:"publishTime"`
	PublishTime2 time.Time         `json:"publish_time"`
	OrderingKey  string            `json:"orderingKey,omitempty"`
}

// wrap returns the body of a push request. Attempt is left out when it is 0.
func wrap(subscription string, m *pubsubpb.PubsubMessage, attempt int) ([]byte, error) {
	at := m.PublishTime.AsTime()
	return json.Marshal(envelope{
		Message: wrapped{
			Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey,
			MessageID: m.MessageId, MessageID2: m.MessageId, PublishTime: at, PublishTime2: at,
		},
		Subscription:    subscription,
		DeliveryAttempt: attempt,
	})
}

// errProcessing ends a request that was answered 102, which acknowledges as it is.
var errProcessing = errors.New("processing")

// post delivers a body once and tells whether it was acknowledged; if not, the error says why.
func post(ctx context.Context, client *http.Client, endpoint string, body []byte) error {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: processing})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "CloudPubSub-Google")
	answer, err := client.Do(req)
	if errors.Is(err, errProcessing) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, answer.Body, maxAnswer)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if !acknowledges(answer.StatusCode) {
		return fmt.Errorf("endpoint answered %s", answer.Status)
	}
	return nil
}

func processing(code int, _ textproto.MIMEHeader) error {
	if code == http.StatusProcessing {
		return errProcessing
	}
	return nil
}

func acknowledges(status int) bool {
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	default:
		return false
	}
}
