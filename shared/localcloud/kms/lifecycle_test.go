package kms_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func (s service) setState(t *testing.T, version string, state kmspb.CryptoKeyVersion_CryptoKeyVersionState) error {
	t.Helper()
	_, err := s.UpdateCryptoKeyVersion(t.Context(), &kmspb.UpdateCryptoKeyVersionRequest{
		CryptoKeyVersion: &kmspb.CryptoKeyVersion{Name: version, State: state},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"state"}}})
	return err
}

func TestCreateCryptoKeyFillsDefaultsIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	got, err := s.GetCryptoKey(t.Context(), &kmspb.GetCryptoKeyRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	now := timestamppb.New(s.clock.Now())
	want := &kmspb.CryptoKey{
		Name: name, Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT, CreateTime: now,
		DestroyScheduledDuration: durationpb.New(30 * 24 * time.Hour),
		VersionTemplate: &kmspb.CryptoKeyVersionTemplate{ProtectionLevel: kmspb.ProtectionLevel_SOFTWARE,
			Algorithm: kmspb.CryptoKeyVersion_GOOGLE_SYMMETRIC_ENCRYPTION},
		Primary: &kmspb.CryptoKeyVersion{
			Name: name + "/cryptoKeyVersions/1", State: kmspb.CryptoKeyVersion_ENABLED, CreateTime: now, GenerateTime: now,
			ProtectionLevel: kmspb.ProtectionLevel_SOFTWARE, Algorithm: kmspb.CryptoKeyVersion_GOOGLE_SYMMETRIC_ENCRYPTION},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

func TestCreateCryptoKeyRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.key(t, "taken", sealing())
	scheduled := func(period time.Duration) *kmspb.CryptoKey {
		k := sealing()
		k.NextRotationTime = timestamppb.New(s.clock.Now())
		k.RotationSchedule = &kmspb.CryptoKey_RotationPeriod{RotationPeriod: durationpb.New(period)}
		return k
	}
	for title, c := range map[string]struct {
		parent, id string
		like       *kmspb.CryptoKey
		want       codes.Code
	}{
		"a name that is taken":      {ringName, "taken", sealing(), codes.AlreadyExists},
		"a ring that is not there":  {location + "/keyRings/no", "k", sealing(), codes.NotFound},
		"a bad id":                  {ringName, "&k", sealing(), codes.InvalidArgument},
		"a path in an id":           {ringName, "../k", sealing(), codes.InvalidArgument},
		"no key":                    {ringName, "k", nil, codes.InvalidArgument},
		"no purpose":                {ringName, "k", &kmspb.CryptoKey{}, codes.InvalidArgument},
		"signing without algorithm": {ringName, "k", signing(0), codes.InvalidArgument},
		"encrypting with P-256":     {ringName, "k", &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT, VersionTemplate: signing(p256).VersionTemplate}, codes.InvalidArgument},
		"RSA":                       {ringName, "k", signing(kmspb.CryptoKeyVersion_RSA_SIGN_PSS_2048_SHA256), codes.Unimplemented},
		"a MAC key":                 {ringName, "k", &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_MAC}, codes.Unimplemented},
		"rotation every minute":     {ringName, "k", scheduled(time.Minute), codes.InvalidArgument},
		"destruction within a day":  {ringName, "k", &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT, DestroyScheduledDuration: durationpb.New(time.Hour)}, codes.InvalidArgument},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := s.CreateCryptoKey(t.Context(), &kmspb.CreateCryptoKeyRequest{
				Parent: c.parent, CryptoKeyId: c.id, CryptoKey: c.like})
			wantCode(t, err, c.want)
		})
	}
}

func TestADisabledVersionIsNotUsedUntilItIsEnabled(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	version := name + "/cryptoKeyVersions/1"
	sealed := s.seal(t, name, "guest", "").Ciphertext
	if err := s.setState(t, version, kmspb.CryptoKeyVersion_DISABLED); err != nil {
		t.Fatal(err)
	}
	_, err := s.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: name})
	wantCode(t, err, codes.FailedPrecondition)
	_, err = s.unseal(t, name, sealed, "")
	wantCode(t, err, codes.FailedPrecondition)
	if err := s.setState(t, version, kmspb.CryptoKeyVersion_ENABLED); err != nil {
		t.Fatal(err)
	}
	if _, err = s.unseal(t, name, sealed, ""); err != nil {
		t.Errorf("enabled again: %v", err)
	}
}

func TestADisabledVersionDoesNotSign(t *testing.T) {
	t.Parallel()
	s := start(t)
	version := s.key(t, "k", signing(p256)) + "/cryptoKeyVersions/1"
	if err := s.setState(t, version, kmspb.CryptoKeyVersion_DISABLED); err != nil {
		t.Fatal(err)
	}
	_, err := s.AsymmetricSign(t.Context(), &kmspb.AsymmetricSignRequest{Name: version, Digest: sha(sha256.Sum256(nil))})
	wantCode(t, err, codes.FailedPrecondition)
	_, err = s.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: version})
	wantCode(t, err, codes.FailedPrecondition)
}

func TestDestructionComesWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT,
		DestroyScheduledDuration: durationpb.New(48 * time.Hour)})
	version := name + "/cryptoKeyVersions/1"
	sealed := s.seal(t, name, "guest", "").Ciphertext
	scheduled, err := s.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: version})
	if err != nil {
		t.Fatal(err)
	}
	at := s.clock.Now().Add(48 * time.Hour)
	if scheduled.State != kmspb.CryptoKeyVersion_DESTROY_SCHEDULED || !scheduled.DestroyTime.AsTime().Equal(at) {
		t.Errorf("scheduled as %v at %v, want %v", scheduled.State, scheduled.DestroyTime.AsTime(), at)
	}
	_, err = s.unseal(t, name, sealed, "")
	wantCode(t, err, codes.FailedPrecondition)
	_, err = s.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: version})
	wantCode(t, err, codes.FailedPrecondition)

	s.clock.Advance(48 * time.Hour)
	gone, err := s.GetCryptoKeyVersion(t.Context(), &kmspb.GetCryptoKeyVersionRequest{Name: version})
	if err != nil {
		t.Fatal(err)
	}
	if gone.State != kmspb.CryptoKeyVersion_DESTROYED || !gone.DestroyEventTime.AsTime().Equal(at) {
		t.Errorf("in the end %v at %v, want destroyed at %v", gone.State, gone.DestroyEventTime.AsTime(), at)
	}
	for _, try := range []func() error{
		func() error { _, err := s.unseal(t, name, sealed, ""); return err },
		func() error { return s.setState(t, version, kmspb.CryptoKeyVersion_ENABLED) },
		func() error {
			_, err := s.RestoreCryptoKeyVersion(t.Context(), &kmspb.RestoreCryptoKeyVersionRequest{Name: version})
			return err
		},
	} {
		wantCode(t, try(), codes.FailedPrecondition)
	}
}

func TestARestoredVersionIsDisabledAndWorksOnceEnabled(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	version := name + "/cryptoKeyVersions/1"
	sealed := s.seal(t, name, "guest", "").Ciphertext
	if _, err := s.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: version}); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(29 * 24 * time.Hour)
	restored, err := s.RestoreCryptoKeyVersion(t.Context(), &kmspb.RestoreCryptoKeyVersionRequest{Name: version})
	if err != nil {
		t.Fatal(err)
	}
	if restored.State != kmspb.CryptoKeyVersion_DISABLED || restored.DestroyTime != nil {
		t.Errorf("restored as %v", restored)
	}
	if err := s.setState(t, version, kmspb.CryptoKeyVersion_ENABLED); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(365 * 24 * time.Hour)
	if _, err := s.unseal(t, name, sealed, ""); err != nil {
		t.Errorf("long after the restoration: %v", err)
	}
}

func TestAKeyRotatesBySchedule(t *testing.T) {
	t.Parallel()
	s := start(t)
	like := sealing()
	like.NextRotationTime = timestamppb.New(s.clock.Now().Add(time.Hour))
	like.RotationSchedule = &kmspb.CryptoKey_RotationPeriod{RotationPeriod: durationpb.New(24 * time.Hour)}
	name := s.key(t, "k", like)
	for _, step := range []struct {
		advance time.Duration
		primary int
		next    time.Duration // from the step's time
	}{
		{59 * time.Minute, 1, time.Minute},
		{time.Minute, 2, 24 * time.Hour},
		{24 * time.Hour, 3, 24 * time.Hour},
		{49 * time.Hour, 4, 23 * time.Hour}, // two periods unseen, one rotation
	} {
		s.clock.Advance(step.advance)
		k, err := s.GetCryptoKey(t.Context(), &kmspb.GetCryptoKeyRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%s/cryptoKeyVersions/%d", name, step.primary); k.Primary.Name != want {
			t.Errorf("primary %s, want %s", k.Primary.Name, want)
		}
		if want := s.clock.Now().Add(step.next); !k.NextRotationTime.AsTime().Equal(want) {
			t.Errorf("next rotation %v, want %v", k.NextRotationTime.AsTime(), want)
		}
	}
}

func TestUpdateCryptoKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	updated, err := s.UpdateCryptoKey(t.Context(), &kmspb.UpdateCryptoKeyRequest{
		CryptoKey:  &kmspb.CryptoKey{Name: name, Labels: map[string]string{"a": "b"}, Purpose: kmspb.CryptoKey_MAC},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}}})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Labels["a"] != "b" || updated.Purpose != kmspb.CryptoKey_ENCRYPT_DECRYPT {
		t.Errorf("updated to %v", updated)
	}
	for _, paths := range [][]string{nil, {"purpose"}, {"version_template.algorithm"}} {
		_, err := s.UpdateCryptoKey(t.Context(), &kmspb.UpdateCryptoKeyRequest{
			CryptoKey: &kmspb.CryptoKey{Name: name, VersionTemplate: signing(p256).VersionTemplate}, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		wantCode(t, err, codes.InvalidArgument)
	}
}

func TestUpdateCryptoKeyPrimaryVersionRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	signer := s.key(t, "s", signing(p256))
	if err := s.setState(t, name+"/cryptoKeyVersions/1", kmspb.CryptoKeyVersion_DISABLED); err != nil {
		t.Fatal(err)
	}
	for title, c := range map[string]struct {
		name, version string
		want          codes.Code
	}{
		"a version that is not there": {name, "2", codes.NotFound},
		"a disabled version":          {name, "1", codes.FailedPrecondition},
		"a key that signs":            {signer, "1", codes.FailedPrecondition},
		"a version that is no number": {name, "one", codes.InvalidArgument},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := s.UpdateCryptoKeyPrimaryVersion(t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{
				Name: c.name, CryptoKeyVersionId: c.version})
			wantCode(t, err, c.want)
		})
	}
}

func TestListsComeInPagesAndStayWithinTheirParent(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.CreateKeyRing(t.Context(), &kmspb.CreateKeyRingRequest{Parent: location, KeyRingId: "r2"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateCryptoKey(t.Context(), &kmspb.CreateCryptoKeyRequest{
		Parent: location + "/keyRings/r2", CryptoKeyId: "elsewhere", CryptoKey: sealing()})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 5 {
		want = append(want, s.key(t, fmt.Sprintf("k%d", i), sealing()))
	}
	var got []string
	keys := s.ListCryptoKeys(t.Context(), &kmspb.ListCryptoKeysRequest{Parent: ringName, PageSize: 2})
	for {
		k, err := keys.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, k.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	rings, err := s.ListKeyRings(t.Context(), &kmspb.ListKeyRingsRequest{Parent: location}).Next()
	if err != nil || rings.Name != ringName {
		t.Errorf("first ring %v, %v", rings, err)
	}
	versions := s.ListCryptoKeyVersions(t.Context(), &kmspb.ListCryptoKeyVersionsRequest{Parent: want[0]})
	if v, err := versions.Next(); err != nil || v.Name != want[0]+"/cryptoKeyVersions/1" {
		t.Errorf("first version %v, %v", v, err)
	}
	_, err = s.ListCryptoKeys(t.Context(), &kmspb.ListCryptoKeysRequest{Parent: ringName, PageToken: "%"}).Next()
	wantCode(t, err, codes.InvalidArgument)
}

func TestKeyRings(t *testing.T) {
	t.Parallel()
	s := start(t)
	if _, err := s.GetKeyRing(t.Context(), &kmspb.GetKeyRingRequest{Name: ringName}); err != nil {
		t.Error(err)
	}
	_, err := s.GetKeyRing(t.Context(), &kmspb.GetKeyRingRequest{Name: location + "/keyRings/no"})
	wantCode(t, err, codes.NotFound)
	_, err = s.CreateKeyRing(t.Context(), &kmspb.CreateKeyRingRequest{Parent: location, KeyRingId: "r"})
	wantCode(t, err, codes.AlreadyExists)
	_, err = s.CreateKeyRing(t.Context(), &kmspb.CreateKeyRingRequest{Parent: "locations/europe", KeyRingId: "r"})
	wantCode(t, err, codes.InvalidArgument)
}
