package main

import (
	"fmt"
	"io"
	"time"

	"ryggrad.internal/hub/shared/identity"
)

// tour tells a person what runs and what to try. Every command in it works as it stands.
func tour(h *hub, out io.Writer) {
	c := h.credentials
	owner, viewer := c.Users[string(identity.Owner)], c.Users[string(identity.Viewer)]
	fmt.Fprintf(out, `
Ryggrad is up on %[1]s, in this one process, with a demo tenant and a demo POS.

  API description   %[1]s/openapi.json
  status, trust     %[1]s/status and %[1]s/trust
  health            %[1]s/health
  token keys        %[1]s/.well-known/jwks.json
  state             %[2]s
  log               %[3]s

Place an order:

  curl -i %[1]s/v1/orders -H 'Authorization: Bearer %[4]s' -H 'Content-Type: application/json' -d '{
    "channelOrderId":"WEB-1001","displayId":"1001","location":"%[5]s","type":"pickup",
    "placedAt":"%[6]s","currency":"SEK",
    "items":[{"plu":"PIZ-01","name":"Margherita","quantity":1,"unitPrice":11900}],"total":11900,
    "payment":{"method":"online","status":"paid","due":0},
    "customer":{"name":"Alva Lindqvist","phone":"+46701740605"}}'

Send it again and it is answered 200 with Idempotent-Replayed: true; change the total and it is refused with 409.

See the orders (the demo POS has accepted yours already), and what was sent to the POS:

  curl -s %[1]s/v1/orders -H 'Authorization: Bearer %[4]s'
  curl -s %[1]s/v1/deliveries -H 'Authorization: Bearer %[7]s'

See the guest too, as the POS may:

  curl -s %[1]s/v1/orders/ORDER_ID -H 'Authorization: Bearer %[7]s'

See what is held about that guest, masked, without exporting or erasing anything; leave dryRun out and add the guest's name
to erase them for good:

  curl -s %[1]s/v1/subjects/erase -H 'Authorization: Bearer %[17]s' -H 'Content-Type: application/json' -d '{
    "phone":"+46701740605","dryRun":true}'

Get an access token as an integration does:

  curl -s %[1]s/v1/oauth/token -u '%[8]s:%[9]s' -d grant_type=client_credentials

Log in as the demo's viewer; the token that comes back shows the orders too:

  curl -s %[1]s/v1/sessions -H 'Content-Type: application/json' -d '{"email":"%[12]s","password":"%[13]s"}'

The owner has a second factor: log in as %[14]s with the password %[15]s, then send a code of
the authenticator secret %[16]s as {"code":"…"} to %[1]s/v1/sessions/current/totp, with the token as Bearer.

Check that nobody changed the audit log (its entries are sealed every minute; start with -credentials hub.json):

  go run ./scripts/ryggrad --local hub.json audit verify

Deliverect's webhooks go to %[10]s
signed with the secret %[11]s

Stop with Ctrl-C.
`, h.baseURL, h.dir, h.logFile, c.Clients["shop"].APIKey, c.Location, time.Now().Format(time.RFC3339), c.Clients["pos"].APIKey,
		c.Clients["shop"].ClientID, c.Clients["shop"].ClientSecret, c.Channels["deliverect"].URL, c.Channels["deliverect"].Secret,
		viewer.Email, viewer.Password, owner.Email, owner.Password, owner.TOTPSecret, c.Clients["privacy"].APIKey)
}
