package main

import (
	"fmt"
	"maps"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

type channelCommands struct {
	Trust trustChannel `cmd:"" help:"Turn on a link to a platform that does not document how it proves its webhooks, once that was found good enough."`
}

type trustChannel struct {
	Tenant string `arg:"" help:"The tenant's id."`
	Link   string `arg:"" help:"The channel link's id."`
	Not    bool   `help:"Turn it off again."`
}

// Run says what only an operator may say of a link.
func (c trustChannel) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	by.Action = "channel.trust"
	l, err := h.Identities().ChangeLink(d.ctx, by, c.Link, func(l identitydb.OpenedLink) (identitydb.OpenedLink, error) {
		adapter, known := channel.Named(l.Adapter)
		if !known || !adapter.Undocumented {
			return l, fault.New(fault.Invalid, "how %s proves its webhooks is documented; there is nothing to turn on", l.Adapter)
		}
		l.Options = maps.Clone(l.Options)
		if l.Options == nil {
			l.Options = map[string]string{}
		}
		l.Options[channel.OptionUndocumented] = channel.OptionAccepted
		if c.Not {
			delete(l.Options, channel.OptionUndocumented)
		}
		return l, nil
	})
	if err != nil {
		return err
	}
	return d.print(map[string]string{"link": l.ID, "adapter": l.Adapter, "trusted": fmt.Sprint(!c.Not)})
}
