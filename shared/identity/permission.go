package identity

import "slices"

// Permission is what a route asks for and a credential carries, as `object:verb`. Its text is the OAuth scope.
type Permission string

// The permissions. What each allows stands in [Permissions].
const (
	OrdersWrite     Permission = "orders:write"
	OrdersRead      Permission = "orders:read"
	OrdersReadPII   Permission = "orders:read.pii"
	OrdersStatus    Permission = "orders:status"
	EndpointsRead   Permission = "endpoints:read"
	EndpointsWrite  Permission = "endpoints:write"
	DeliveriesRead  Permission = "deliveries:read"
	DeliveriesRetry Permission = "deliveries:retry"
	EventsRead      Permission = "events:read"
	AuditRead       Permission = "audit:read"
	LocationsRead   Permission = "locations:read"
	LocationsWrite  Permission = "locations:write"
	ChannelsRead    Permission = "channels:read"
	ChannelsWrite   Permission = "channels:write"
	ClientsRead     Permission = "clients:read"
	ClientsWrite    Permission = "clients:write"
	UsersRead       Permission = "users:read"
	UsersWrite      Permission = "users:write"
	SupportRead     Permission = "support:read"
	SupportGrant    Permission = "support:grant"
	SubjectsExport  Permission = "subjects:export"
	SubjectsErase   Permission = "subjects:erase"
	NoticesRead     Permission = "notices:read"
	IncidentsReport Permission = "incidents:report"
	SessionsOwn     Permission = "sessions:own"
	AccountPassword Permission = "account:password"
	AccountFactors  Permission = "account:factors"
)

// Description is one row of the table of permissions.
type Description struct {
	Permission  Permission
	Allows      string // for the API description and the consent of whoever grants it
	Integration bool   // whether a client may hold it; what it may not is for people
	roles       string // whether people hold it, one letter for each of [Roles]: x if they do
}

// Permissions returns THE table: every permission there is, in the order in which it is shown, whether integrations may
// hold it, and which roles of people do.
func Permissions() []Description {
	return []Description{
		// owner, admin, manager, support, auditor, viewer stand in this order at the end of a row.
		{OrdersWrite, "place orders", true, "xxx..."},
		{OrdersRead, "read orders, with personal data masked", true, "xxxxxx"},
		{OrdersReadPII, "read the guest's name, contact, address and notes in orders", true, "xxx..."},
		{OrdersStatus, "report the progress of orders", true, "xxx..."},
		{EndpointsRead, "see webhook endpoints, without their secrets", true, "xxxxx."},
		{EndpointsWrite, "create, change, test and remove webhook endpoints, and rotate their secrets", true, "xx...."},
		{DeliveriesRead, "see what was sent to the endpoints and how it was answered", true, "xxxxx."},
		{DeliveriesRetry, "send a delivery again", true, "xxxx.."},
		{EventsRead, "poll the feed of events", true, "xxxx.."},
		{AuditRead, "read the audit log and its proofs", true, "xx..x."},
		{LocationsRead, "see locations", true, "xxxxxx"},
		{LocationsWrite, "create and change locations", true, "xx...."},
		{ChannelsRead, "see channel links, without their credentials", true, "xxxxx."},
		{ChannelsWrite, "create and change channel links, and rotate their credentials", false, "xx...."},
		{ClientsRead, "see clients, without their secrets", false, "xx..x."},
		{ClientsWrite, "create and remove clients, and rotate their secrets", false, "xx...."},
		{UsersRead, "see the people of the tenant", false, "xx..x."},
		{UsersWrite, "create, change and disable the people of the tenant", false, "xx...."},
		{SupportRead, "see grants of support access", false, "xx.xx."},
		{SupportGrant, "grant and end support access", false, "x....."},
		{SubjectsExport, "export the personal data of a guest", true, "xx...."},
		{SubjectsErase, "erase the personal data of a guest for good", true, "xx...."},
		{NoticesRead, "read notices about incidents and changes", true, "xxxxxx"},
		{IncidentsReport, "report that something is wrong with the hub", true, "xxxxxx"},
		{SessionsOwn, "see and end one's own sessions, and finish logging in", false, "xxxxxx"},
		{AccountPassword, "set one's own password", false, "xxxxxx"},
		{AccountFactors, "manage one's own second factors", false, "xxxxxx"},
	}
}

// Known tells whether the permission stands in the table.
func (p Permission) Known() bool {
	_, known := p.describe()
	return known
}

// ForIntegration tells whether a client may hold the permission.
func (p Permission) ForIntegration() bool {
	d, known := p.describe()
	return known && d.Integration
}

func (p Permission) describe() (Description, bool) {
	table := Permissions()
	i := slices.IndexFunc(table, func(d Description) bool { return d.Permission == p })
	if i < 0 {
		return Description{}, false
	}
	return table[i], true
}
