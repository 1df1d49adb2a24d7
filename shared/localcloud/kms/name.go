package kms

import (
	"fmt"
	"regexp"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The shapes of names, https://cloud.google.com/kms/docs/resource-hierarchy. Every element begins with a character that
// is neither a dot nor a slash, or holds none at all, so that a name is also a safe path.
const (
	locationShape = `projects/[A-Za-z0-9][A-Za-z0-9.:_-]{0,62}/locations/[A-Za-z0-9][A-Za-z0-9-]{0,62}`
	idShape       = `[A-Za-z0-9_-]{1,63}`
	ringShape     = locationShape + `/keyRings/` + idShape
	keyShape      = ringShape + `/cryptoKeys/` + idShape
)

// names recognises resource names.
type names struct{ location, ring, key, version, id *regexp.Regexp }

func newNames() names {
	whole := func(shape string) *regexp.Regexp { return regexp.MustCompile(`\A` + shape + `\z`) }
	return names{
		location: whole(locationShape),
		ring:     whole(ringShape),
		key:      whole(keyShape),
		version:  whole(`(` + keyShape + `)/cryptoKeyVersions/([1-9][0-9]{0,8})`),
		id:       whole(idShape),
	}
}

func check(shape *regexp.Regexp, field, value string) error {
	if !shape.MatchString(value) {
		return status.Errorf(codes.InvalidArgument, "%s %.200q does not match %s", field, value, shape)
	}
	return nil
}

// splitVersion takes a version's name apart into its key's name and its number.
func (n names) splitVersion(name string) (key string, number int, err error) {
	parts := n.version.FindStringSubmatch(name)
	if parts == nil {
		return "", 0, check(n.version, "name", name)
	}
	number, err = strconv.Atoi(parts[2])
	return parts[1], number, err
}

func versionName(key string, number int) string {
	return fmt.Sprintf("%s/cryptoKeyVersions/%d", key, number)
}
