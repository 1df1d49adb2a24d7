// Package compare holds the audit log against other people's whole logs. It is a module of its own, so that the hub does
// not depend on what it is compared with.
package compare
