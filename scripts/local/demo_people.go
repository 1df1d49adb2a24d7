package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"ryggrad.internal/hub/shared/identity"
)

// people logs the demo's owner in, second factor included, and looks at what roles may do.
func (d *demo) people(ctx context.Context) {
	d.title("A person logs in")
	owner := d.credentials.Users[string(identity.Owner)]
	c := &client{baseURL: d.baseURL}
	if !d.stop("the password alone is not enough", func() (string, error) { return d.half(ctx, c, owner) }) {
		return
	}
	var code string
	if !d.stop("the second factor completes the login", func() (found string, err error) {
		code, found, err = d.whole(ctx, c, owner)
		return found, err
	}) {
		return
	}
	d.stop("a one-time password is good once", func() (string, error) {
		_, err := expect(http.StatusUnauthorized)(c.call(ctx, http.MethodPost, "/v1/sessions/current/totp", map[string]any{"code": code}))
		return "401 for the same code", err
	})
	d.stop("a viewer does not see the people", func() (string, error) { return d.viewer(ctx) })
	d.stop("a session ends at once", func() (string, error) {
		if _, err := expect(http.StatusNoContent)(c.call(ctx, http.MethodDelete, "/v1/sessions/current", nil)); err != nil {
			return "", err
		}
		_, err := expect(http.StatusUnauthorized)(c.call(ctx, http.MethodGet, "/v1/users", nil))
		return "401 after the logout", err
	})
}

func (d *demo) half(ctx context.Context, c *client, who userKey) (string, error) {
	l, err := c.step(ctx, http.MethodPost, "/v1/sessions", map[string]any{"email": who.Email, "password": who.Password})
	if err != nil {
		return "", err
	}
	if l.Next == nil || *l.Next != "second_factor" {
		return "", errors.New("the hub asks for no second factor")
	}
	_, err = expect(http.StatusForbidden)(c.call(ctx, http.MethodGet, "/v1/users", nil))
	return "next is second_factor, and 403 until then", err
}

// whole gives the one-time password of now, or the next one where that was used already, and lists the people.
func (d *demo) whole(ctx context.Context, c *client, who userKey) (code, found string, err error) {
	if code, err = c.prove(ctx, "/v1/sessions/current/totp", who, 0, 1); err != nil {
		return "", "", err
	}
	r, err := expect(http.StatusOK)(c.call(ctx, http.MethodGet, "/v1/users", nil))
	if err != nil {
		return "", "", err
	}
	var list struct {
		Items []struct {
			Role string `json:"role"`
		} `json:"items"`
	}
	if err := r.json(&list); err != nil {
		return "", "", err
	}
	if len(list.Items) != len(demoPeople()) {
		return "", "", fmt.Errorf("the owner sees %d people", len(list.Items))
	}
	return code, fmt.Sprintf("the owner sees %d people", len(list.Items)), nil
}

func (d *demo) viewer(ctx context.Context) (string, error) {
	who, c := d.credentials.Users[string(identity.Viewer)], &client{baseURL: d.baseURL}
	l, err := c.step(ctx, http.MethodPost, "/v1/sessions", map[string]any{"email": who.Email, "password": who.Password})
	if err == nil && l.Next != nil {
		err = fmt.Errorf("the login goes on with %s", *l.Next)
	}
	if err != nil {
		return "", err
	}
	if _, err := expect(http.StatusOK)(c.call(ctx, http.MethodGet, "/v1/orders", nil)); err != nil {
		return "", err
	}
	_, err = expect(http.StatusForbidden)(c.call(ctx, http.MethodGet, "/v1/users", nil))
	return "200 for orders, 403 for people", err
}
