package envelopedb

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ryggrad.internal/hub/shared/fault"
)

// errMangled says that a checksum of a KMS call did not match, twice.
var errMangled = errors.New("bytes were changed between here and KMS")

// transportAttempts is how often a call is made whose bytes were changed on the way.
const transportAttempts = 2

// wrapKeyset encrypts a keyset with the tenant as associated data, and tells the KMS key version that did it.
func (k *Keyring) wrapKeyset(ctx context.Context, tenant string, keyset []byte) (wrapped []byte, version string, err error) {
	request := &kmspb.EncryptRequest{
		Name: k.opts.KeyName, Plaintext: keyset, PlaintextCrc32C: checksum(keyset),
		AdditionalAuthenticatedData: []byte(tenant), AdditionalAuthenticatedDataCrc32C: checksum([]byte(tenant)),
	}
	for range transportAttempts {
		var answer *kmspb.EncryptResponse
		answer, err = k.opts.KMS.Encrypt(ctx, request)
		if err == nil && answer.GetVerifiedPlaintextCrc32C() && answer.GetVerifiedAdditionalAuthenticatedDataCrc32C() &&
			matches(answer.GetCiphertext(), answer.GetCiphertextCrc32C()) {
			return answer.GetCiphertext(), answer.GetName(), nil
		}
		if !mangled(err) {
			break
		}
	}
	return nil, "", kmsFailed(err, ErrKeyUnusable)
}

// unwrapKeyset decrypts what [Keyring.wrapKeyset] encrypted for the same tenant.
func (k *Keyring) unwrapKeyset(ctx context.Context, tenant string, wrapped []byte) (keyset []byte, err error) {
	if len(wrapped) == 0 {
		return nil, fmt.Errorf("%w: it holds no keyset", ErrCorrupt)
	}
	request := &kmspb.DecryptRequest{
		Name: k.opts.KeyName, Ciphertext: wrapped, CiphertextCrc32C: checksum(wrapped),
		AdditionalAuthenticatedData: []byte(tenant), AdditionalAuthenticatedDataCrc32C: checksum([]byte(tenant)),
	}
	for range transportAttempts {
		var answer *kmspb.DecryptResponse
		answer, err = k.opts.KMS.Decrypt(ctx, request)
		if err == nil && matches(answer.GetPlaintext(), answer.GetPlaintextCrc32C()) {
			return answer.GetPlaintext(), nil
		}
		if !mangled(err) {
			break
		}
	}
	return nil, kmsFailed(err, ErrCorrupt)
}

// mangled tells whether a call without a good answer is worth a second attempt: bytes were changed on the way back, or
// on the way there, which KMS answers like any other invalid argument.
func mangled(err error) bool { return err == nil || status.Code(err) == codes.InvalidArgument }

// kmsFailed says what a failed call means. Invalid is what a KMS that finds the arguments invalid means.
func kmsFailed(err, invalid error) error {
	switch {
	case err == nil:
		return fault.New(fault.Unavailable, "encryption keys cannot be unlocked").Because(errMangled)
	case status.Code(err) == codes.InvalidArgument:
		return fmt.Errorf("%w: %w", invalid, err)
	case passing(err):
		return fault.New(fault.Unavailable, "encryption keys cannot be unlocked").Because(err)
	}
	return fmt.Errorf("%w: %w", ErrKeyUnusable, err)
}

func checksum(content []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))))
}

func matches(content []byte, sum *wrapperspb.Int64Value) bool {
	return sum != nil && sum.GetValue() == checksum(content).GetValue()
}
