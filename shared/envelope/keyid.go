package envelope

import (
	"fmt"
	"strings"
	"time"
)

const monthLayout = "2006-01"

// maxKeyID is the longest tenant key id that fits its header, in bytes.
const maxKeyID = 255

// KeyID names a tenant key. Its text, `{tenant}_{YYYY-MM}`, is the id of the key's document.
type KeyID struct {
	Tenant string
	Month  string // YYYY-MM, UTC
}

// KeyIDAt names the tenant's key of the month that holds t.
func KeyIDAt(tenant string, t time.Time) KeyID {
	return KeyID{Tenant: tenant, Month: t.UTC().Format(monthLayout)}
}

// ParseKeyID reads what [KeyID.String] wrote.
func ParseKeyID(text string) (KeyID, error) {
	cut := strings.LastIndexByte(text, '_')
	if cut < 0 {
		return KeyID{}, fmt.Errorf("tenant key id of %d bytes: no month", len(text))
	}
	id := KeyID{Tenant: text[:cut], Month: text[cut+1:]}
	return id, id.check()
}

// String returns the id's text, `{tenant}_{YYYY-MM}`.
func (id KeyID) String() string { return id.Tenant + "_" + id.Month }

func (id KeyID) check() error {
	if id.Tenant == "" || strings.ContainsRune(id.Tenant, '/') || len(id.String()) > maxKeyID {
		return fmt.Errorf("tenant key id of %d bytes: the tenant is empty, too long or holds a slash", len(id.String()))
	}
	if t, err := time.Parse(monthLayout, id.Month); err != nil || t.Format(monthLayout) != id.Month {
		return fmt.Errorf("tenant key id of %d bytes: the month is not YYYY-MM", len(id.String()))
	}
	return nil
}
