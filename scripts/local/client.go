package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// requestWithin bounds one request to the hub.
const requestWithin = 30 * time.Second

// client calls the hub's API as an integration does.
type client struct {
	baseURL string
	apiKey  string
}

// response is an answer, read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

// json reads the answer's body.
func (r response) json(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("read the answer %s: %w", r.body, err)
	}
	return nil
}

// call sends a request with a JSON body, or none.
func (c client) call(ctx context.Context, method, path string, body any) (response, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return response{}, fmt.Errorf("write a request: %w", err)
		}
	}
	return c.send(ctx, method, c.baseURL+path, raw, nil)
}

// send sends bytes as they are.
func (c client) send(ctx context.Context, method, url string, body []byte, header http.Header) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	if c.apiKey != "" {
		request.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(answer.Body)
	return response{status: answer.StatusCode, header: answer.Header, body: text}, err
}
