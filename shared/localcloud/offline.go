package localcloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ryggrad.internal/hub/shared/backup"
)

// OfflineKeyFile is the name, in a cloud's directory, of the private key that opens backups without any cloud. In
// production it is made by an operator and kept away from everything; here it is beside the rest.
const OfflineKeyFile = "offline.key"

// openOfflineKey reads the cloud's offline key, or makes one.
func (c *Cloud) openOfflineKey(context.Context) error {
	name := filepath.Join(c.opts.Dir, OfflineKeyFile)
	if c.opts.Dir != "" {
		text, err := os.ReadFile(name) //nolint:gosec // the cloud's own directory
		if err == nil {
			c.offline, err = backup.ParseOfflineKey(string(text))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	key, err := backup.NewOfflineKey()
	if err != nil {
		return fmt.Errorf("make the offline key: %w", err)
	}
	c.offline = key
	if c.opts.Dir == "" {
		return nil
	}
	text, err := key.Secret()
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text+"\n"), 0o600)
}

// OfflineKey returns the private key that opens the backups of all of the cloud's projects.
func (c *Cloud) OfflineKey() backup.OfflineKey { return c.offline }
