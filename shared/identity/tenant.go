package identity

import "time"

// Tenant is a restaurant group: the owner of data, the border that no request crosses.
type Tenant struct {
	ID        string // `ten_…`
	Name      string
	Suspended bool // every credential of the tenant is refused; its data stays
	Operator  bool // it runs the hub: its people of the role support may be let in by other tenants' owners
	CreatedAt time.Time
	Retention Retention // for how long its guests' data is kept
}

// Check tells everything that is wrong with a tenant that is about to be created.
func (t Tenant) Check() error {
	var f faults
	f.name(t.Name)
	return f.fault("the tenant")
}
