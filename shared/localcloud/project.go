package localcloud

import (
	"context"
	"fmt"
	"slices"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	keyLocation = "europe"
	keyRing     = "ryggrad"
)

// KeyRing returns the full name of a project's key ring, in which the hub's keys are.
func KeyRing(project string) string {
	return "projects/" + project + "/locations/" + keyLocation + "/keyRings/" + keyRing
}

// BackupBucket returns the name of the bucket that a project's backups go to.
func BackupBucket(project string) string { return project + "-backup" }

// MonthlyBucket returns the name of the bucket that backups are copied to once a month.
func MonthlyBucket(project string) string { return project + "-backupmonthly" }

// BackupKeysBucket returns the name of the bucket that backups of keys go to.
func BackupKeysBucket(project string) string { return project + "-backupkeys" }

// AuditBucket returns the name of the bucket that a project's audit log is published in.
func AuditBucket(project string) string { return project + "-audit" }

// CheckpointBucket returns the name of the bucket that the newest checkpoint of a project's audit log is replaced in.
func CheckpointBucket(project string) string { return project + "-checkpoint" }

// ErasuresBucket returns the name of the bucket that says whose data must not come back from a project's backups.
func ErasuresBucket(project string) string { return project + "-erasures" }

// StatusBucket returns the name of the bucket that copies of a project's status pages are in.
func StatusBucket(project string) string { return project + "-status" }

// LogOrigin is the name of an audit log beside emulators: it stays the same wherever the hub listens.
const LogOrigin = "ryggrad.local/log"

// topicName returns a topic's full name.
func topicName(project, topic string) string { return "projects/" + project + "/topics/" + topic }

// SetUp gives a project the keys, topics and buckets that the hub needs. What is there already stays as it is, so it
// can be repeated. The cloud's own project is set up when it starts.
func (c *Cloud) SetUp(ctx context.Context, project string) error {
	if err := c.createKeys(ctx, project); err != nil {
		return fmt.Errorf("set up keys of %s: %w", project, err)
	}
	for _, topic := range c.Topics() {
		_, err := c.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topicName(project, topic)})
		if unlessExists(err) != nil {
			return fmt.Errorf("set up topic %s of %s: %w", topic, project, err)
		}
	}
	for _, bucket := range []string{
		BackupBucket(project), MonthlyBucket(project), BackupKeysBucket(project), AuditBucket(project), CheckpointBucket(project),
		ErasuresBucket(project), StatusBucket(project),
	} {
		if err := c.storage.CreateBucket(ctx, bucket); err != nil {
			return err
		}
	}
	return nil
}

// hubKeys returns what the hub's keys are for, by their short names.
func hubKeys() map[string]*kmspb.CryptoKey {
	signing := func(algorithm kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm) *kmspb.CryptoKey {
		return &kmspb.CryptoKey{
			Purpose:         kmspb.CryptoKey_ASYMMETRIC_SIGN,
			VersionTemplate: &kmspb.CryptoKeyVersionTemplate{Algorithm: algorithm},
		}
	}
	return map[string]*kmspb.CryptoKey{
		"tenant-keys":       {Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT},
		"backup":            {Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT},
		"backup-manifests":  signing(kmspb.CryptoKeyVersion_EC_SIGN_ED25519),
		"access-tokens":     signing(kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256),
		"audit-checkpoints": signing(kmspb.CryptoKeyVersion_EC_SIGN_ED25519),
	}
}

func (c *Cloud) createKeys(ctx context.Context, project string) error {
	_, err := c.kms.CreateKeyRing(ctx, &kmspb.CreateKeyRingRequest{
		Parent: "projects/" + project + "/locations/" + keyLocation, KeyRingId: keyRing})
	if unlessExists(err) != nil {
		return err
	}
	for id, key := range hubKeys() {
		_, err := c.kms.CreateCryptoKey(ctx, &kmspb.CreateCryptoKeyRequest{
			Parent: KeyRing(project), CryptoKeyId: id, CryptoKey: key})
		if unlessExists(err) != nil {
			return err
		}
	}
	return nil
}

func unlessExists(err error) error {
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}

// Topics returns the short name of every topic that the functions which are built take messages from or may publish to.
func (c *Cloud) Topics() []string {
	var names []string
	for _, f := range c.opts.Functions {
		if f.Coming {
			continue
		}
		if f.Topic != "" {
			names = append(names, f.Topic)
		}
		for topic := range f.Roles.Topics {
			names = append(names, topic)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
