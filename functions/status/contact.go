package status

import (
	"net/http"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/incident"
)

// contactOf is whom to tell of a weakness; it reports false when nobody promises that.
func contactOf(cfg config) (incident.Contact, bool) {
	c := incident.Contact{
		Address: cfg.SecurityContact, Expires: cfg.SecurityExpires, Encryption: cfg.SecurityKey, Languages: "en",
		Canonical: cfg.BaseURL + "/.well-known/security.txt", Policy: cfg.BaseURL + "/trust#disclosure",
	}
	if c.Address == "" {
		c.Address = cfg.BaseURL + "/v1/vulnerability-reports"
	}
	return c, !c.Expires.IsZero()
}

// securityText serves the file, as long as it holds: the RFC wants nobody to use one that has expired.
func (s *server) securityText(w http.ResponseWriter, _ *http.Request, _ httpapi.Call) error {
	c, promised := contactOf(s.cfg)
	if !promised || !c.Expires.After(s.now()) {
		return fault.New(fault.NotFound, "nobody is named here at the moment")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write([]byte(c.Text())) // the caller may have left
	return nil
}
