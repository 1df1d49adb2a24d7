package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/functions/audit"
	"ryggrad.internal/hub/functions/auth"
	"ryggrad.internal/hub/functions/backup"
	"ryggrad.internal/hub/functions/delivery"
	"ryggrad.internal/hub/functions/keys"
	"ryggrad.internal/hub/functions/orders"
	"ryggrad.internal/hub/functions/privacy"
	"ryggrad.internal/hub/functions/status"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/localcloud"
)

// builds returns how each function of the table is made. A function that the table has built and this list lacks stops
// the start.
func builds() map[string]gcp.Build {
	return map[string]gcp.Build{
		"audit":     audit.BuildAudit,
		"auth":      auth.BuildAuth,
		"backup":    backup.BuildBackup,
		"drill":     backup.BuildDrill,
		"verify":    backup.BuildVerify,
		"deadlines": delivery.BuildDeadlines,
		"delivery":  delivery.BuildDelivery,
		"dispatch":  delivery.BuildDispatch,
		"keys":      keys.BuildKeys,
		"fetch":     orders.BuildFetch,
		"orders":    orders.BuildOrders,
		"privacy":   privacy.BuildPrivacy,
		"reconcile": orders.BuildReconcile,
		"relay":     delivery.BuildRelay,
		"retry":     delivery.BuildRetry,
		"seal":      audit.BuildSeal,
		"alerts":    status.BuildAlerts,
		"status":    status.BuildStatus,
		"summarize": status.BuildSummarize,
		"retention": privacy.BuildRetention,
		"subjects":  privacy.BuildSubjects,
	}
}

// route builds every function and lays it under its routes, or where the cloud pushes messages to.
func (h *hub) route(ctx context.Context, table []functions.Function) (public, pushed *http.ServeMux, err error) {
	public, pushed = http.NewServeMux(), http.NewServeMux()
	for _, f := range table {
		build, ok := builds()[f.Name]
		if !ok {
			return nil, nil, fmt.Errorf("functions.json lists %s, and the local runner cannot build it", f.Name)
		}
		handler, err := build(ctx, h.env)
		if err != nil {
			return nil, nil, fmt.Errorf("build the function %s: %w", f.Name, err)
		}
		if c, ok := handler.(io.Closer); ok {
			h.closers = append(h.closers, c.Close)
		}
		if f.Trigger == functions.PubSub {
			path := localcloud.PushPath(f.Name)
			pushed.Handle(path, http.StripPrefix(path, rooted(handler)))
			continue
		}
		for _, route := range f.Routes {
			for _, pattern := range patterns(route) {
				public.Handle(pattern, handler)
			}
		}
	}
	// The hub's health, and what is no function's: answered as every function answers a path that it does not have.
	public.Handle("/", httpapi.New(httpapi.Options{Name: "local", Title: "Ryggrad", Log: slog.Default(), Now: time.Now}))
	return public, pushed, nil
}

// rooted gives a handler the path `/` where a prefix was stripped to nothing.
func rooted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		h.ServeHTTP(w, r)
	})
}

// patterns turns a route of the table into net/http's patterns: the path itself and everything below it.
func patterns(route string) []string {
	path, below := strings.CutSuffix(route, "/**")
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == "*" {
			segments[i] = "{p" + strconv.Itoa(i) + "}"
		}
	}
	path = strings.Join(segments, "/")
	if below {
		return []string{path + "/{rest...}"}
	}
	return []string{path, path + "/{rest...}"}
}
