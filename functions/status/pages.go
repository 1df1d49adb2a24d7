package status

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"time"
)

//go:embed pages/*.html pages/style.css
var sources embed.FS

// csp lets a page load nothing and run nothing; its one style is named by its hash.
const csp = "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'"

// pages renders what people see. It is safe for concurrent use.
type pages struct {
	templates *template.Template
	style     template.CSS
	policy    string // the content security policy, for a meta element and for the header
	cfg       config
}

func newPages(cfg config) (*pages, error) {
	style, err := sources.ReadFile("pages/style.css")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(style)
	p := &pages{style: template.CSS(style), policy: fmt.Sprintf(csp, base64.StdEncoding.EncodeToString(sum[:])), cfg: cfg} //nolint:gosec // our own file
	p.templates, err = template.New("pages").Funcs(template.FuncMap{"when": when, "iso": iso, "list": list}).ParseFS(sources, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	return p, nil
}

// links are where pages lead to. They differ between the hub's own pages and their copies.
type links struct{ Status, Trust, History, Feed, JSON, Log string }

func ownLinks() links {
	return links{"/status", "/trust", "/status/history", "/status/feed.atom", "/v1/incidents", "/log/checkpoint"}
}

// copyLinks lead from copy to copy, and to the hub for what has none.
func (p *pages) copyLinks() links {
	return links{"status.html", "trust.html", "history.html", "feed.atom", copySummary, p.cfg.BaseURL + "/log/checkpoint"}
}

// frame is what every page has.
type frame struct {
	Title  string
	Page   string // as in `status`
	Style  template.CSS
	Policy string
	Links  links
	shown
}

// render renders a page of a view that embeds a frame.
func (p *pages) render(name string, view any) ([]byte, error) {
	var out bytes.Buffer
	if err := p.templates.ExecuteTemplate(&out, name, view); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

func (p *pages) frame(page, title string, sh shown, l links) frame {
	return frame{Title: title, Page: page, Style: p.style, Policy: p.policy, Links: l, shown: sh}
}

// file is a static copy.
type file struct {
	name, kind string
	data       []byte
}

// files renders the copies.
func (p *pages) files(sh shown) ([]file, error) {
	l := p.copyLinks()
	var files []file
	for _, one := range []struct {
		name, kind string
		render     func() ([]byte, error)
	}{
		{"status.html", htmlType, func() ([]byte, error) { return p.status(sh, l) }},
		{"trust.html", htmlType, func() ([]byte, error) { return p.trust(sh, l) }},
		{"history.html", htmlType, func() ([]byte, error) { return p.history(sh, l) }},
		{"feed.atom", atomType, func() ([]byte, error) { return p.feed(sh) }},
	} {
		data, err := one.render()
		if err != nil {
			return nil, err
		}
		files = append(files, file{one.name, one.kind, data})
	}
	return files, nil
}

const htmlType = "text/html; charset=utf-8"

// when says a time for people, in UTC.
func when(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// iso says it for machines.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// list joins names for people.
func list(names []string) string {
	var out bytes.Buffer
	for i, n := range names {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(n)
	}
	return out.String()
}
