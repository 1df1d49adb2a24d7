package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// refusal is an error as the service answers it.
type refusal struct {
	status  int
	reason  string // for programs
	message string
}

func (r *refusal) Error() string { return r.message }

func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...)}
}

func notFound(what, name string) error {
	return &refusal{http.StatusNotFound, "notFound", fmt.Sprintf("No such %s: %s", what, name)}
}

func conflict(format string, args ...any) error {
	return &refusal{http.StatusConflict, "conflict", fmt.Sprintf(format, args...)}
}

func forbidden(reason, format string, args ...any) error {
	return &refusal{http.StatusForbidden, reason, fmt.Sprintf(format, args...)}
}

func isConflict(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusConflict
}

// method answers a request with a resource, nothing when it has answered already, or an error.
type method func(w http.ResponseWriter, r *http.Request) (resource any, err error)

// ServeHTTP implements [http.Handler].
func (m method) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, err := m(w, r)
	if fields := r.URL.Query().Get("fields"); resource != nil && err == nil && fields != "" {
		var asked selection
		if asked, err = parseSelection(fields); err == nil {
			resource, err = asked.of(resource)
		}
	}
	switch {
	case err != nil:
		answerError(w, err)
	case resource != nil:
		answer(w, http.StatusOK, resource)
	}
}

// done is the answer to what leaves no resource behind.
type done struct{}

func answer(w http.ResponseWriter, status int, resource any) {
	if _, ok := resource.(done); ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := json.Marshal(resource)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked is gone
}

// answerError answers with a refusal. What is none is the disk's, and the caller may try again.
func answerError(w http.ResponseWriter, err error) {
	r := &refusal{http.StatusInternalServerError, "backendError", "The store can neither be read nor written."}
	_ = errors.As(err, &r)
	if r.status == http.StatusNotModified {
		w.WriteHeader(r.status)
		return
	}
	type item struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}
	answer(w, r.status, map[string]any{"error": map[string]any{
		"code": r.status, "message": r.message, "errors": []item{{r.message, "global", r.reason}}}})
}
