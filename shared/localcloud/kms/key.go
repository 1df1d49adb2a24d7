package kms

import (
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// key is a key with its versions. A key that is in use never changes: a change makes another key of it, which takes its
// place once it is kept. So whoever has looked one up may read it without a lock.
type key struct {
	info     *kmspb.CryptoKey // without its primary
	primary  int              // the number of the primary version, 0 for none
	versions []version        // in order of their numbers, which begin with 1
}

// version is one version of a key. Destroyed versions have no material.
type version struct {
	info     *kmspb.CryptoKeyVersion
	material []byte
}

// clone returns a copy that may be changed: everything but the material is copied.
func (k *key) clone() *key {
	c := &key{info: proto.CloneOf(k.info), primary: k.primary, versions: slices.Clone(k.versions)}
	for i := range c.versions {
		c.versions[i].info = proto.CloneOf(c.versions[i].info)
	}
	return c
}

// describe returns the key as the service shows it.
func (k *key) describe() *kmspb.CryptoKey {
	d := proto.CloneOf(k.info)
	if k.primary > 0 {
		d.Primary = proto.CloneOf(k.versions[k.primary-1].info)
	}
	return d
}

func (k *key) version(number int) (version, error) {
	if number < 1 || number > len(k.versions) {
		return version{}, status.Errorf(codes.NotFound, "%s not found.", versionName(k.info.Name, number))
	}
	return k.versions[number-1], nil
}

// serves refuses a use that the key was not made for.
func (k *key) serves(purpose kmspb.CryptoKey_CryptoKeyPurpose) error {
	if k.info.Purpose != purpose {
		return status.Errorf(codes.FailedPrecondition,
			"%s has purpose %s, this needs %s.", k.info.Name, k.info.Purpose, purpose)
	}
	return nil
}

// usable returns a version whose material may be used: an enabled one.
func (k *key) usable(number int) (version, error) {
	v, err := k.version(number)
	if err != nil {
		return version{}, err
	}
	if v.info.State != kmspb.CryptoKeyVersion_ENABLED {
		return version{}, status.Errorf(codes.FailedPrecondition,
			"%s is not enabled, current state is: %s.", v.info.Name, v.info.State)
	}
	return v, nil
}

// grow adds a version, enabled, and returns its number.
func (k *key) grow(now time.Time) (int, error) {
	template := k.info.VersionTemplate
	material, err := generate(template.Algorithm)
	if err != nil {
		return 0, err
	}
	number := len(k.versions) + 1
	k.versions = append(k.versions, version{material: material, info: &kmspb.CryptoKeyVersion{
		Name:            versionName(k.info.Name, number),
		State:           kmspb.CryptoKeyVersion_ENABLED,
		ProtectionLevel: template.ProtectionLevel,
		Algorithm:       template.Algorithm,
		CreateTime:      timestamppb.New(now),
		GenerateTime:    timestamppb.New(now),
	}})
	return number, nil
}

// due tells whether time has brought something about that settle must carry out.
func (k *key) due(now time.Time) bool {
	return k.rotationDue(now) || slices.ContainsFunc(k.versions, func(v version) bool { return v.destructionDue(now) })
}

func (k *key) rotationDue(now time.Time) bool {
	next := k.info.NextRotationTime
	return next != nil && !next.AsTime().After(now)
}

func (v version) destructionDue(now time.Time) bool {
	return v.info.State == kmspb.CryptoKeyVersion_DESTROY_SCHEDULED && !v.info.DestroyTime.AsTime().After(now)
}

// settle carries out what time has brought about: it destroys what was scheduled for it, and rotates a key once,
// however many periods have passed unseen.
func (k *key) settle(now time.Time) error {
	for i, v := range k.versions {
		if v.destructionDue(now) {
			v.info.State = kmspb.CryptoKeyVersion_DESTROYED
			v.info.DestroyEventTime = v.info.DestroyTime
			k.versions[i].material = nil
		}
	}
	if !k.rotationDue(now) {
		return nil
	}
	number, err := k.grow(now)
	if err != nil {
		return err
	}
	k.primary = number
	k.info.NextRotationTime = k.nextRotation(now)
	return nil
}

// nextRotation returns the first scheduled rotation after now, and nil for a key that rotated once and has no period.
func (k *key) nextRotation(now time.Time) *timestamppb.Timestamp {
	period := k.info.GetRotationPeriod().AsDuration()
	if period <= 0 {
		return nil
	}
	last := k.info.NextRotationTime.AsTime()
	return timestamppb.New(now.Add(period - now.Sub(last)%period))
}

// update changes what UpdateCryptoKey may change: the named fields, to what from has in them.
func (k *key) update(from *kmspb.CryptoKey, paths []string) error {
	for _, path := range paths {
		switch path {
		case "labels":
			k.info.Labels = maps.Clone(from.Labels)
		case "rotation_period":
			k.info.RotationSchedule = from.RotationSchedule
		case "next_rotation_time":
			k.info.NextRotationTime = from.NextRotationTime
		case "version_template.algorithm":
			k.info.VersionTemplate.Algorithm = from.GetVersionTemplate().GetAlgorithm()
		default:
			return status.Errorf(codes.InvalidArgument, "The field %.100q cannot be updated.", path)
		}
	}
	return normalise(k.info)
}
