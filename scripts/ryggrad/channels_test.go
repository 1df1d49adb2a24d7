package main

import (
	"io"
	"testing"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
)

// link makes a channel link of the tenant.
func (c *console) link(tenant, adapter string) string {
	c.t.Helper()
	d := &desk{ctx: c.t.Context(), terminal: terminal{err: io.Discard, env: c.env}}
	defer func() {
		if err := d.close(); err != nil {
			c.t.Error(err)
		}
	}()
	h, err := d.hub()
	if err != nil {
		c.t.Fatal(err)
	}
	by, err := d.act(tenant)
	if err != nil {
		c.t.Fatal(err)
	}
	at, err := h.Identities().CreateLocation(c.t.Context(), by, identity.Location{Name: "Corner", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	if err != nil {
		c.t.Fatal(err)
	}
	l, err := h.Identities().CreateLink(c.t.Context(), by, identity.Link{
		Adapter: adapter, Enabled: true, Locations: []identity.LinkedLocation{{Location: at.ID}}, Policy: identity.Policy{OnDeadline: identity.DeadlineExpire},
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: "a secret of enough characters"}})
	if err != nil {
		c.t.Fatal(err)
	}
	return l.ID
}

// off tells whether the link takes no webhooks.
func (c *console) off(link, adapter string) bool {
	c.t.Helper()
	doc, err := c.cloud.Firestore(c.t).Collection("channels").Doc(link).Get(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	l, err := identity.ParseLink(link, doc.Data())
	if err != nil {
		c.t.Fatal(err)
	}
	a, _ := channel.Named(adapter)
	return a.Off(l.Options)
}

func TestAnOperatorTurnsOnWhatIsNotDocumented(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	tenant := c.furnish("Group")
	link := c.link(tenant, "glovo")
	if !c.off(link, "glovo") {
		t.Fatal("an undocumented platform is on by itself")
	}
	var told map[string]string
	c.read(&told, "channels", "trust", tenant, link)
	if c.off(link, "glovo") || told["adapter"] != "glovo" {
		t.Errorf("told %v, and it is off", told)
	}
	c.read(&told, "channels", "trust", tenant, link, "--not")
	if !c.off(link, "glovo") {
		t.Error("it stays on")
	}
	if _, err := c.run("channels", "trust", tenant, c.link(tenant, "deliverect")); err == nil {
		t.Error("a documented platform is turned on")
	}
}
