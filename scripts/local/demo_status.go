package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/localcloud"
)

// troubleTitle is what the demo's incident is called. A page that took it for markup would not show it.
const troubleTitle = "Orders are slow <b>today</b>"

// monitoringSays is a notification as Cloud Monitoring publishes it, of an alert whose policy says by its labels what
// customers notice.
const monitoringSays = `{"version":"1.2","incident":{"incident_id":"0.demo","state":"open","started_at":%d,"policy_name":"demo",
	"policy_user_labels":{"function":"orders","impact":"minor"},"documentation":{"subject":"Orders are slow <b>today</b>"}}}`

// shownIncident is as much of an incident as the demo looks at.
type shownIncident struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	State string `json:"state"`
}

// troubled lets Monitoring notice something, an operator end it, and everybody see both.
func (d *demo) troubled(ctx context.Context) {
	d.title("Something is wrong for a while")
	var open shownIncident
	if !d.stop("a notification of Monitoring is an incident that everybody sees", func() (found string, err error) {
		if err := d.publish(ctx, "alerts", fmt.Sprintf(monitoringSays, time.Now().Unix())); err != nil {
			return "", err
		}
		open, err = d.awaitIncident(ctx, "open")
		return open.Title, err
	}) {
		return
	}
	d.stop("the page says so, and takes its words for words", func() (string, error) { return d.pageShows(ctx, "Open incidents") })
	d.stop("the tenant has a notice", func() (string, error) { return d.noticed(ctx, open.ID) })
	d.stop("an operator's message ends it", func() (string, error) {
		says := fmt.Sprintf(`{"operator":"demo","incident":%q,"state":"resolved","message":"It was for the demo, and is over."}`, open.ID)
		if err := d.publish(ctx, "alerts", says); err != nil {
			return "", err
		}
		over, err := d.awaitIncident(ctx, "resolved")
		return over.State, err
	})
	d.stop("a copy of the page lies outside the hub", func() (string, error) { return d.copied(ctx) })
	d.stop("every claim of the trust page has its evidence, or says that it has none", func() (string, error) { return d.claims(ctx) })
}

// publish publishes what comes from outside the hub.
func (d *demo) publish(ctx context.Context, topic, data string) (err error) {
	cfg, err := gcp.Load[gcp.Config](d.env)
	if err != nil {
		return err
	}
	base, err := backbone.Open(ctx, cfg, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	announcer, err := base.AnnouncerOn(ctx, topic)
	if err != nil {
		return err
	}
	return announcer.Topic.Publish(ctx, []byte(data), nil)
}

// awaitIncident waits until the demo's incident is listed in a state. What is listed is written every minute; the demo does
// not wait so long.
func (d *demo) awaitIncident(ctx context.Context, state string) (shownIncident, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	for {
		if err := d.tick(ctx, "summarize"); err != nil {
			return shownIncident{}, err
		}
		var list struct{ Items []shownIncident }
		r, err := expect(http.StatusOK)(client{baseURL: d.baseURL}.call(ctx, http.MethodGet, "/v1/incidents?state="+url.QueryEscape(state), nil))
		if err == nil {
			err = r.json(&list)
		}
		if err != nil {
			return shownIncident{}, err
		}
		for _, i := range list.Items {
			if i.Title == troubleTitle {
				return i, nil
			}
		}
		select {
		case <-ctx.Done():
			return shownIncident{}, fmt.Errorf("no incident is %s: %s", state, r.body)
		case <-time.After(5 * askAgain):
		}
	}
}

// pageShows looks at the status page as a browser without scripts does.
func (d *demo) pageShows(ctx context.Context, heading string) (string, error) {
	r, err := expect(http.StatusOK)(client{baseURL: d.baseURL}.send(ctx, http.MethodGet, d.baseURL+"/status", nil, http.Header{"Accept": {"text/html"}}))
	page := string(r.body)
	switch {
	case err != nil:
		return "", err
	case !strings.Contains(page, heading) || !strings.Contains(page, "Orders are slow &lt;b&gt;today&lt;/b&gt;") || strings.Contains(page, "<b>today"):
		return "", errors.New("the page does not show it as it was written")
	case strings.Contains(page, "<script") || !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'"):
		return "", errors.New("the page could run something")
	}
	return fmt.Sprintf("%d bytes of HTML, nothing that runs", len(page)), nil
}

// noticed looks for the incident among what the tenant was told.
func (d *demo) noticed(ctx context.Context, id string) (string, error) {
	told := client{d.baseURL, d.credentials.Clients["auditor"].APIKey}
	r, err := expect(http.StatusOK)(told.call(ctx, http.MethodGet, "/v1/notices", nil))
	if err == nil && !strings.Contains(string(r.body), id) {
		err = fmt.Errorf("no notice speaks of %s: %s", id, r.body)
	}
	return "GET /v1/notices names it", err
}

// copied reads the page where it is served when the hub is down.
func (d *demo) copied(ctx context.Context) (found string, err error) {
	cfg, err := gcp.Load[gcp.Config](d.env)
	if err != nil {
		return "", err
	}
	store, err := objects.Open(ctx, cfg, nil)
	if err != nil {
		return "", err
	}
	bucket := localcloud.StatusBucket(localcloud.DefaultProject)
	page, err := store.Bucket(bucket).Read(ctx, "status.html")
	if err == nil && !strings.Contains(string(page), "This is a copy") {
		err = errors.New("it does not say that it is one")
	}
	return fmt.Sprintf("gs://%s/status.html", bucket), err
}

// claims counts how the claims stand. One without evidence is never green, and what the demo has just proven is.
func (d *demo) claims(ctx context.Context) (string, error) {
	var trust struct {
		Claims []struct {
			ID, State string
			Evidence  []struct {
				State string
				At    time.Time
				Lacks []string
			}
		}
	}
	r, err := expect(http.StatusOK)(client{baseURL: d.baseURL}.send(ctx, http.MethodGet, d.baseURL+"/trust", nil, http.Header{"Accept": {"application/json"}}))
	if err == nil {
		err = r.json(&trust)
	}
	if err != nil {
		return "", err
	}
	stand, proven := map[string]int{}, map[string]bool{"monitoring": false, "incidents": false, "pci": false}
	for _, c := range trust.Claims {
		stand[c.State]++
		for _, e := range c.Evidence {
			none, missing := e.At.IsZero(), e.State == "missing" // evidence of keys that are not made yet is missing, too
			if none && !missing || missing && (c.State == "green" || !none && len(e.Lacks) == 0) {
				return "", fmt.Errorf("%s is %s by evidence that is %s", c.ID, c.State, e.State)
			}
		}
		if _, asked := proven[c.ID]; asked {
			proven[c.ID] = c.State == "green"
		}
	}
	for id, green := range proven {
		if !green {
			return "", fmt.Errorf("%s is not green: %s", id, r.body)
		}
	}
	return fmt.Sprintf("%d claims: %d green, %d late, %d failing, %d missing, %d stated", len(trust.Claims),
		stand["green"], stand["late"], stand["failing"], stand["missing"], stand["stated"]), nil
}
