package auth

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

const pathChannels = "/v1/channels"

func (s *server) channelRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathChannels, ID: "create-channel", Summary: "Link a delivery platform to locations",
		Permission: identity.ChannelsWrite, StepUp: true, Status: http.StatusCreated,
	}, s.createChannel)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathChannels, ID: "list-channels", Summary: "List channel links, without their credentials",
		Permission: identity.ChannelsRead,
	}, s.listChannels)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathChannels + "/{id}", ID: "get-channel", Summary: "Show a channel link, without its credentials",
		Permission: identity.ChannelsRead,
	}, s.getChannel)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPut, Path: pathChannels + "/{id}", ID: "change-channel",
		Summary: "Replace a channel link's settings, or switch it off or on", Permission: identity.ChannelsWrite,
	}, s.changeChannel)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathChannels + "/{id}/credentials", ID: "rotate-channel-credentials",
		Summary:    "Give a channel link other credentials; the former ones go on for the overlap",
		Permission: identity.ChannelsWrite, StepUp: true,
	}, s.rotateChannel)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathChannels + "/{id}", ID: "remove-channel", Summary: "Remove a channel link",
		Permission: identity.ChannelsWrite, Status: http.StatusNoContent,
	}, s.removeChannel)
}

// linkedBody ties a platform's name for a restaurant to ours.
type linkedBody struct {
	External string `json:"external,omitempty" maxLength:"200" doc:"The platform's id of the restaurant; left out when the link serves one location, whatever the platform calls it"`
	Location string `json:"location" maxLength:"64" doc:"Our location"`
}

type policyBody struct {
	OnDeadline identity.DeadlineAction `json:"onDeadline" enum:"expire,accept,reject" doc:"What happens to an order that nobody accepted in the platform's time"`
}

// ChannelSettings is what is decided about a link and can be changed.
type ChannelSettings struct {
	Locations []linkedBody      `json:"locations" minItems:"1" maxItems:"200" nullable:"false"`
	Policy    policyBody        `json:"policy"`
	Options   map[string]string `json:"options,omitempty" doc:"What the adapter must know of this platform"`
	Disabled  bool              `json:"disabled,omitempty" doc:"Whether the link is switched off"`
}

func (b ChannelSettings) apply(l identity.Link) identity.Link {
	l.Locations = nil
	for _, at := range b.Locations {
		l.Locations = append(l.Locations, identity.LinkedLocation{External: at.External, Location: at.Location})
	}
	l.Policy.OnDeadline, l.Enabled = b.Policy.OnDeadline, !b.Disabled
	kept, allowed := l.Options[channel.OptionUndocumented]
	l.Options = maps.Clone(b.Options)
	if allowed {
		if l.Options == nil {
			l.Options = map[string]string{}
		}
		l.Options[channel.OptionUndocumented] = kept
	}
	return l
}

// checkOwn refuses what only an operator of the hub may say.
func (b ChannelSettings) checkOwn() error {
	if _, given := b.Options[channel.OptionUndocumented]; given {
		return fault.New(fault.Invalid, "the channel link is not right").
			With(fault.Detail{Location: "body.options." + channel.OptionUndocumented, Message: "is for an operator of the hub to say"})
	}
	return nil
}

type credentialsBody map[string]string

type createChannelInput struct {
	Body struct {
		Adapter string `json:"adapter" maxLength:"40" doc:"The platform" example:"deliverect"`
		ChannelSettings
		Credentials credentialsBody `json:"credentials" doc:"By name: webhook proves what the platform sends; other names log in to it. They are never shown again."`
	}
}

// channelBody is a link as it is shown.
type channelBody struct {
	ID      string `json:"id"`
	Adapter string `json:"adapter"`
	ChannelSettings
	Credentials []linkCredentialBody `json:"credentials" nullable:"false" doc:"Which there are, without themselves"`
	Webhooks    []string             `json:"webhooks" nullable:"false" doc:"The addresses to give to the platform"`
	CreatedAt   time.Time            `json:"createdAt"`
}

type linkCredentialBody struct {
	Name      string    `json:"name"`
	ExpiresAt time.Time `json:"expiresAt,omitzero" doc:"Until when a former one goes on"`
}

func (s *server) showChannel(l identitydb.OpenedLink) channelBody {
	body := channelBody{
		ID: l.ID, Adapter: l.Adapter, CreatedAt: l.CreatedAt, Credentials: []linkCredentialBody{}, Webhooks: []string{},
		ChannelSettings: ChannelSettings{Policy: policyBody{l.Policy.OnDeadline}, Options: l.Options, Disabled: !l.Enabled},
	}
	for _, at := range l.Locations {
		body.Locations = append(body.Locations, linkedBody{at.External, at.Location})
	}
	now := s.api.Now()
	for _, secret := range l.Secrets {
		if secret.ExpiresAt.IsZero() || now.Before(secret.ExpiresAt) {
			body.Credentials = append(body.Credentials, linkCredentialBody{secret.Name, secret.ExpiresAt})
		}
	}
	if adapter, known := channel.Named(l.Adapter); known {
		for _, path := range slices.Concat(adapter.Paths, adapter.Puts) {
			body.Webhooks = append(body.Webhooks, s.issuer+pathChannels+"/"+l.Adapter+"/"+l.ID+"/"+path)
		}
	}
	return body
}

type channelOutput struct{ Body channelBody }

type createdChannelOutput struct {
	Location string `header:"Location" doc:"The link's address"`
	Body     channelBody
}

func (s *server) createChannel(ctx context.Context, call httpapi.Call, in *createChannelInput) (*createdChannelOutput, error) {
	if err := in.Body.checkOwn(); err != nil {
		return nil, err
	}
	l := in.Body.apply(identity.Link{Adapter: in.Body.Adapter})
	if err := channel.CheckLink(l.Adapter, l.Options, in.Body.Credentials); err != nil {
		return nil, err
	}
	if err := reachLink(call.Caller)(l); err != nil {
		return nil, err
	}
	var secrets identity.LinkSecrets
	for _, name := range slices.Sorted(maps.Keys(in.Body.Credentials)) {
		secrets = secrets.Rotate(name, in.Body.Credentials[name], 0, s.api.Now())
	}
	made, err := s.store.CreateLink(ctx, act(call), l, secrets)
	if err != nil {
		return nil, err
	}
	shown := s.showChannel(identitydb.OpenedLink{Link: made, Secrets: secrets})
	return &createdChannelOutput{Location: pathChannels + "/" + made.ID, Body: shown}, nil
}

// reachLink lets a caller at a link only where the credential reaches all its locations. To anybody else it does not
// exist.
func reachLink(caller identity.Caller) func(identity.Link) error {
	return func(l identity.Link) error {
		for _, at := range l.Locations {
			if !caller.MayUse(at.Location) && !caller.Locations.Every() {
				return fault.New(fault.NotFound, "there is no such channel link")
			}
		}
		return nil
	}
}

type channelsOutput struct{ Body pageBody[channelBody] }

func (s *server) listChannels(ctx context.Context, call httpapi.Call, in *pageInput) (*channelsOutput, error) {
	page, err := in.page(identity.LinkPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Links(ctx, call.Caller.Tenant, page)
	if err != nil {
		return nil, err
	}
	return &channelsOutput{paged(*in, found, func(l identitydb.OpenedLink) string { return l.ID },
		func(l identitydb.OpenedLink) (channelBody, bool) {
			return s.showChannel(l), reachLink(call.Caller)(l.Link) == nil
		})}, nil
}

type channelInput struct {
	ID string `path:"id" maxLength:"64" doc:"The link's id"`
}

func (s *server) getChannel(ctx context.Context, call httpapi.Call, in *channelInput) (*channelOutput, error) {
	l, err := s.store.Link(ctx, call.Caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return &channelOutput{s.showChannel(l)}, reachLink(call.Caller)(l.Link)
}

type changeChannelInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The link's id"`
	Body ChannelSettings
}

func (s *server) changeChannel(ctx context.Context, call httpapi.Call, in *changeChannelInput) (*channelOutput, error) {
	if err := in.Body.checkOwn(); err != nil {
		return nil, err
	}
	by := act(call)
	by.Action = "channel.change"
	l, err := s.store.ChangeLink(ctx, by, in.ID, func(l identitydb.OpenedLink) (identitydb.OpenedLink, error) {
		if err := reachLink(call.Caller)(l.Link); err != nil {
			return l, err
		}
		l.Link = in.Body.apply(l.Link)
		if err := reachLink(call.Caller)(l.Link); err != nil {
			return l, err
		}
		return l, channel.CheckLink(l.Adapter, l.Options, newest(l.Secrets))
	})
	if err != nil {
		return nil, err
	}
	return &channelOutput{s.showChannel(l)}, nil
}

// newest returns the credentials in use, by name.
func newest(secrets identity.LinkSecrets) map[string]string {
	named := map[string]string{}
	for _, secret := range secrets {
		named[secret.Name] = secret.Value // the newest of a name is the last
	}
	return named
}

type rotateChannelInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The link's id"`
	Body struct {
		Credentials credentialsBody `json:"credentials" minProperties:"1" doc:"The new ones, by name; others stay"`
		Overlap     *int            `json:"overlapSeconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the former ones go on, at most 30 days; 86400 unless said otherwise"`
	}
}

// rotateChannel gives a link new credentials. Of each name the former one stays valid for the overlap, so that the
// platform can change over without a webhook refused.
func (s *server) rotateChannel(ctx context.Context, call httpapi.Call, in *rotateChannelInput) (*channelOutput, error) {
	overlap := defaultOverlap
	if in.Body.Overlap != nil {
		overlap = time.Duration(*in.Body.Overlap) * time.Second
	}
	by := act(call)
	by.Action = "channel.rotate_credentials"
	l, err := s.store.ChangeLink(ctx, by, in.ID, func(l identitydb.OpenedLink) (identitydb.OpenedLink, error) {
		if err := reachLink(call.Caller)(l.Link); err != nil {
			return l, err
		}
		for _, name := range slices.Sorted(maps.Keys(in.Body.Credentials)) {
			l.Secrets = l.Secrets.Rotate(name, in.Body.Credentials[name], overlap, s.api.Now())
		}
		return l, channel.CheckLink(l.Adapter, l.Options, newest(l.Secrets))
	})
	if err != nil {
		return nil, err
	}
	return &channelOutput{s.showChannel(l)}, nil
}

func (s *server) removeChannel(ctx context.Context, call httpapi.Call, in *channelInput) (*struct{}, error) {
	return &struct{}{}, s.store.RemoveLink(ctx, act(call), in.ID, reachLink(call.Caller))
}
