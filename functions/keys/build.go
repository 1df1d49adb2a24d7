package keys

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

func init() { framework.HTTP("keys", gcp.Serve("keys", BuildKeys)) }

// BuildKeys makes the function.
func BuildKeys(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[gcp.Config](env)
	if err != nil {
		return nil, err
	}
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(table, func(f functions.Function) bool { return f.Name == "keys" })
	if i < 0 {
		return nil, fmt.Errorf("function %s is not in the table", "keys")
	}
	h, err := hub.Open(ctx, cfg, slog.Default())
	if err != nil {
		return nil, err
	}
	k := &keeper{
		store: h.Identities(), public: identitydb.NewPublicKeys(h.Ledger, h.Now), now: h.Now, log: h.Log,
	}
	return gcp.Closing(event.Handler(event.Options{
		Name: "keys", Firestore: h.Firestore, Log: h.Log, Now: h.Now, Deadline: table[i].Deadline(),
	}, k.look), h), nil
}
