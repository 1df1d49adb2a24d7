package kms

import (
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Bounds of the service, https://cloud.google.com/kms/quotas and the messages' own documentation.
const (
	maxPlaintext       = 64 << 10
	maxCiphertext      = maxPlaintext + 10<<10
	maxAssociated      = 64 << 10
	maxSigned          = 64 << 10
	defaultDestruction = 30 * 24 * time.Hour
	minDestruction     = 24 * time.Hour
	maxDestruction     = 120 * 24 * time.Hour
	minRotation        = 24 * time.Hour
	maxRotation        = 876_000 * time.Hour
)

// normalise fills a key's defaults in and refuses what the service, or this server, would not have.
func normalise(k *kmspb.CryptoKey) error {
	if k.VersionTemplate == nil {
		k.VersionTemplate = &kmspb.CryptoKeyVersionTemplate{}
	}
	if k.VersionTemplate.ProtectionLevel == kmspb.ProtectionLevel_PROTECTION_LEVEL_UNSPECIFIED {
		k.VersionTemplate.ProtectionLevel = kmspb.ProtectionLevel_SOFTWARE
	}
	if k.DestroyScheduledDuration == nil {
		k.DestroyScheduledDuration = durationpb.New(defaultDestruction)
	}
	if d := k.DestroyScheduledDuration.AsDuration(); d < minDestruction || d > maxDestruction {
		return status.Errorf(codes.InvalidArgument,
			"The destroy_scheduled_duration must be between %v and %v.", minDestruction, maxDestruction)
	}
	if err := normaliseAlgorithm(k); err != nil {
		return err
	}
	return checkRotation(k)
}

func normaliseAlgorithm(k *kmspb.CryptoKey) error {
	template := k.VersionTemplate
	switch k.Purpose {
	case kmspb.CryptoKey_ENCRYPT_DECRYPT:
		if template.Algorithm == kmspb.CryptoKeyVersion_CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED {
			template.Algorithm = symmetric
		}
		if template.Algorithm == symmetric {
			return nil
		}
	case kmspb.CryptoKey_ASYMMETRIC_SIGN:
		if template.Algorithm == p256 || template.Algorithm == ed {
			return nil
		}
		if template.Algorithm != kmspb.CryptoKeyVersion_CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED &&
			template.Algorithm != symmetric {
			return status.Errorf(codes.Unimplemented, "algorithm %s is not part of this server", template.Algorithm)
		}
	case kmspb.CryptoKey_CRYPTO_KEY_PURPOSE_UNSPECIFIED:
		return status.Error(codes.InvalidArgument, "The purpose is required.")
	default:
		return status.Errorf(codes.Unimplemented, "purpose %s is not part of this server", k.Purpose)
	}
	return status.Errorf(codes.InvalidArgument, "The algorithm %s does not fit the purpose %s.",
		template.Algorithm, k.Purpose)
}

func checkRotation(k *kmspb.CryptoKey) error {
	if k.NextRotationTime == nil && k.RotationSchedule == nil {
		return nil
	}
	if k.Purpose != kmspb.CryptoKey_ENCRYPT_DECRYPT {
		return status.Errorf(codes.InvalidArgument, "Keys with purpose %s do not rotate by schedule.", k.Purpose)
	}
	if err := k.NextRotationTime.CheckValid(); err != nil {
		return status.Error(codes.InvalidArgument, "A rotation schedule needs a valid next_rotation_time.")
	}
	if k.RotationSchedule == nil {
		return nil
	}
	if p := k.GetRotationPeriod().AsDuration(); p < minRotation || p > maxRotation {
		return status.Errorf(codes.InvalidArgument,
			"The rotation_period must be between %v and %v.", minRotation, maxRotation)
	}
	return nil
}
