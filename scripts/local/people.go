package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/gcp"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/identity/totp"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// userKey is what somebody needs to log in as a demo person.
type userKey struct {
	Email      string `json:"email"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totpSecret"` // in base32; "" for one without a second factor
}

// demoPeople are the demo's people: their role, and whether they have a second factor.
func demoPeople() map[identity.Role]bool {
	return map[identity.Role]bool{identity.Owner: true, identity.Manager: true, identity.Viewer: false}
}

// seedUsers makes the demo's people, and takes each through their first login over the API, as a person does.
func (h *hub) seedUsers(ctx context.Context, by ledgerdb.Act) (users map[string]userKey, err error) {
	cfg, err := gcp.Load[gcp.Config](h.env)
	if err != nil {
		return nil, err
	}
	base, err := backbone.Open(ctx, cfg, slog.Default())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	people := peopledb.New(peopledb.Options{
		Ledger: base.Ledger, Keys: base.Keys, Directory: base.Directory, Now: base.Now, Random: base.Random, Log: base.Log,
		BaseURL: cfg.BaseURL, Gate: password.NewGate(1, 1), Cost: password.Recommended(),
	})
	users = map[string]userKey{}
	for role, factor := range demoPeople() {
		key := userKey{Email: string(role) + "@demo.example"}
		_, initial, err := people.CreateUser(ctx, peopledb.By{Act: by, Role: identity.Owner},
			identity.Profile{Email: key.Email, Name: "Demo " + string(role)}, role)
		if err != nil {
			return nil, fmt.Errorf("create the demo's %s: %w", role, err)
		}
		if key, err = h.firstLogin(ctx, key, initial, factor); err != nil {
			return nil, fmt.Errorf("log in as the demo's %s: %w", role, err)
		}
		users[string(role)] = key
	}
	return users, nil
}

// loggedIn is the answer to every step of a login.
type loggedIn struct {
	Token string  `json:"token"`
	Next  *string `json:"next"`
}

// step takes one step of a login and goes on under the token that it gives.
func (c *client) step(ctx context.Context, method, path string, body any) (loggedIn, error) {
	var l loggedIn
	r, err := c.call(ctx, method, path, body)
	if err == nil && r.status/100 != 2 {
		err = fmt.Errorf("%s answered %d: %s", path, r.status, r.body)
	}
	if err == nil {
		err = r.json(&l)
	}
	if l.Token != "" {
		c.apiKey = l.Token
	}
	return l, err
}

// firstLogin sets a password, and adds a generator of one-time passwords where there is to be one.
func (h *hub) firstLogin(ctx context.Context, key userKey, initial string, factor bool) (userKey, error) {
	var err error
	if key.Password, err = password.Initial(rand.Reader); err != nil {
		return key, err
	}
	c := &client{baseURL: h.baseURL}
	if _, err := c.step(ctx, http.MethodPost, "/v1/sessions", map[string]any{"email": key.Email, "password": initial}); err != nil {
		return key, err
	}
	if _, err := c.step(ctx, http.MethodPut, "/v1/me/password", map[string]any{"newPassword": key.Password}); err != nil || !factor {
		return key, err
	}
	r, err := expect(http.StatusCreated)(c.call(ctx, http.MethodPost, "/v1/me/totp", nil))
	if err != nil {
		return key, err
	}
	var shown struct {
		Secret string `json:"secret"`
	}
	if err := r.json(&shown); err != nil {
		return key, err
	}
	key.TOTPSecret = shown.Secret
	// The one before the present one, so that the present one is left for a login right away.
	_, err = c.prove(ctx, "/v1/me/totp/verify", key, -1, -1)
	return key, err
}

// prove gives the one-time passwords of these steps from now, in turn, until one is taken, and returns that. A step that is
// named twice is there for the clock, which may turn while a code is on its way.
func (c *client) prove(ctx context.Context, path string, who userKey, steps ...int64) (code string, err error) {
	for _, later := range steps {
		if code, err = who.code(later); err != nil {
			return "", err
		}
		if _, err = c.step(ctx, http.MethodPost, path, map[string]any{"code": code}); err == nil {
			return code, nil
		}
	}
	return "", err
}

// code is the one-time password of now, or of so many steps later.
func (k userKey) code(later int64) (string, error) {
	secret, err := totp.Parse(k.TOTPSecret)
	if err != nil {
		return "", err
	}
	return secret.Code(totp.Step(time.Now()) + later), nil
}
