//go:build !unix

package localcloud

// lock does nothing here: on systems without flock, whoever starts a cloud must see to it that its directory has no other.
func lock(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
