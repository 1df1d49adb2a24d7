package httpapi

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

// guard is the one gate of a typed route: it lets a request through to decoding only with a valid credential, within
// its limits and with the route's permission.
func (a *API) guard(route Route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(ctx)
		call, err := a.admit(r, route)
		setLimitHeaders(ctx.SetHeader, recordOf(ctx.Context()).quota)
		if err != nil {
			p := a.problem(ctx.Context(), err)
			for name := range p.GetHeaders() {
				ctx.SetHeader(name, p.GetHeaders().Get(name))
			}
			ctx.SetHeader("Content-Type", p.ContentType(""))
			ctx.SetStatus(p.Status)
			_ = encode(ctx.BodyWriter(), p) // the caller may have left; there is nobody else to tell
			return
		}
		next(huma.WithValue(ctx, callKey{}, call))
	}
}

// admit decides whether a request may go on, and as whom.
func (a *API) admit(r *http.Request, route Route) (Call, error) {
	rec := recordOf(r.Context())
	rec.route = route
	call := Call{RequestID: rec.requestID, Address: address(r, a.opts.TrustedHops)}
	switch {
	case route.Permission == Public && route.Unmetered:
		return call, nil
	case route.Permission == Public:
		return call, a.charge(rec, "address "+call.Address)
	}
	caller, err := a.opts.Authenticate(r.Context(), r)
	if err != nil {
		return call, a.refused(r, call, caller, err)
	}
	call.Caller, rec.caller = caller, caller
	if err := a.charge(rec, "credential "+caller.Tenant+" "+caller.Actor.String()); err != nil {
		return call, err
	}
	if err := a.behalf(r, call); err != nil {
		return call, err
	}
	if !caller.Can(route.Permission) {
		a.Refuse(r.Context(), call, caller, "the permission "+string(route.Permission)+" is missing")
		return call, fault.New(fault.Forbidden, "this needs the permission %s, which the credential does not have", route.Permission)
	}
	if route.StepUp && caller.MustStepUp() {
		return call, fault.New(fault.StepUp, "this is dangerous: prove again who you are, then repeat it")
	}
	return call, nil
}

// behalf has a request of somebody who acts under another's authority written down, whether or not it is allowed.
func (a *API) behalf(r *http.Request, call Call) error {
	switch {
	case call.Caller.Act == nil:
		return nil
	case a.opts.Behalf == nil:
		return fault.New(fault.Forbidden, "nobody acts for others here")
	default:
		return a.opts.Behalf(r.Context(), call.Caller, call.RequestID, r)
	}
}

// refused answers a credential that does not hold or is out of service. Failures are counted by address, so that
// guessing soon costs a wait.
func (a *API) refused(r *http.Request, call Call, caller identity.Caller, cause error) error {
	switch {
	case fault.Is(cause, fault.Forbidden):
		a.Refuse(r.Context(), call, caller, "the credential is out of service")
		return cause
	case !fault.Is(cause, fault.Unauthenticated):
		return cause
	case len(r.Header.Values("Authorization")) == 0 && len(r.Header.Values(identity.HeaderClient)) == 0:
		a.Refuse(r.Context(), call, identity.Caller{}, "there is no credential")
	default:
		a.Refuse(r.Context(), call, identity.Caller{}, "the credential does not hold")
	}
	if err := a.charge(recordOf(r.Context()), "failures "+call.Address); err != nil {
		return err
	}
	return cause
}

// forbidden notes what a handler refused because of who asked.
func (a *API) forbidden(ctx context.Context, err error) {
	if rec := recordOf(ctx); fault.Is(err, fault.Forbidden) {
		a.Refuse(ctx, Call{RequestID: rec.requestID}, rec.caller, "this is out of the caller's reach")
	}
}

// Refuse reports that a request was turned away because of who sent it. The guard and [API] do so by themselves; it is
// for routes that prove their callers in a way of their own. The zero Caller stands for somebody unproven, and reason is
// a constant text.
func (a *API) Refuse(ctx context.Context, call Call, caller identity.Caller, reason string) {
	if a.opts.Refused == nil {
		return
	}
	source := caller.Credential
	if source == "" {
		source = network(call.Address)
	}
	a.opts.Refused(ctx, ledger.Refusal{
		Tenant: caller.Tenant, Actor: caller.Actor, Action: recordOf(ctx).route.ID, Reason: reason, Source: source, RequestID: call.RequestID,
	})
}

// network returns the part of an address that is no longer one household's: /24, or /48 of IPv6.
func network(address string) string {
	ip := net.ParseIP(address)
	switch {
	case ip == nil:
		return "unknown"
	case ip.To4() != nil:
		return (&net.IPNet{IP: ip.To4().Mask(net.CIDRMask(24, 32)), Mask: net.CIDRMask(24, 32)}).String()
	default:
		return (&net.IPNet{IP: ip.Mask(net.CIDRMask(48, 128)), Mask: net.CIDRMask(48, 128)}).String()
	}
}

type callKey struct{}

// callFrom reads what guard left for the handler of the same request.
func callFrom(ctx context.Context) Call {
	call, _ := ctx.Value(callKey{}).(Call)
	return call
}

// address returns the caller's network address: the one that the outermost of our own proxies saw, or the connection's.
// What stands left of it in X-Forwarded-For is the caller's own invention. IPv6 callers count by their /64.
func address(r *http.Request, trustedHops int) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); trustedHops > 0 && len(hops) >= trustedHops {
		host = strings.TrimSpace(hops[len(hops)-trustedHops])
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return "unknown"
	}
	if ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return ip.String()
}
