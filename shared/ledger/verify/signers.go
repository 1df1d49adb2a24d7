package verify

import (
	"context"
	"errors"
	"strings"

	"ryggrad.internal/hub/shared/ledger/tlog"
)

// Explain says of a checkpoint that none of the known keys signed who may have, and what to do. It may say nothing.
type Explain func(ctx context.Context, signed []byte) string

// disbelieve tells of a checkpoint that is not one of the known keys'. Of all that one kept key signed, it tells once.
func (v *run) disbelieve(ctx context.Context, what string, signed []byte, why error) error {
	if !errors.Is(why, tlog.ErrUnsigned) {
		v.finding(-1, "%s: %v", what, why)
		return nil
	}
	name, key, err := v.signer(ctx, signed)
	if err != nil || v.told[name] {
		return err
	}
	text := why.Error()
	if v.Explain != nil && len(v.report.Findings) < mostFindings {
		text = strings.TrimSuffix(text+"; "+v.Explain(ctx, signed), "; ")
	}
	if name != "" {
		v.told[name] = true
		text += "; the key that the log keeps as " + name + " signed it, and maybe others: whoever knows that key from elsewhere verifies with it too: " + key
	}
	v.finding(-1, "%s: %s", what, text)
	return nil
}

// signer finds the key that signed a checkpoint among those that the log keeps. They prove nothing, and say which key to
// look for.
func (v *run) signer(ctx context.Context, signed []byte) (name, key string, err error) {
	if v.kept == nil {
		if v.kept, err = v.keptKeys(ctx); err != nil {
			return "", "", err
		}
	}
	for name, key := range v.kept {
		if _, err := (tlog.Keys{key}).Open(signed); err == nil {
			return name, key, nil
		}
	}
	return "", "", nil
}

func (v *run) keptKeys(ctx context.Context) (map[string]string, error) {
	names, err := v.list(ctx, "keys/")
	if err != nil {
		return nil, err
	}
	all, err := v.readAll(ctx, names)
	kept := make(map[string]string, len(names))
	for i, name := range names {
		kept[name] = strings.TrimSpace(string(all[i]))
	}
	return kept, err
}
