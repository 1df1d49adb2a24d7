package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretForms are what secrets look like that somebody may paste into a file.
func secretForms() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"a private key":            regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE ` + `KEY`),
		"a key of Google's":        regexp.MustCompile(`AIza[0-9A-Za-z_-]{35}`),
		"a service account":        regexp.MustCompile(`"private_key(_id)?"\s*:\s*"[^"]`),
		"a secret of OAuth":        regexp.MustCompile(`GOCSPX-[0-9A-Za-z_-]{20}|ya29\.[0-9A-Za-z_-]{20}`),
		"a key of AWS":             regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`),
		"a token of GitHub":        regexp.MustCompile(`\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{40})`),
		"a token of Slack":         regexp.MustCompile(`\bxox[baprs]-[0-9A-Za-z-]{10}`),
		"a key of Stripe":          regexp.MustCompile(`\b[rs]k_live_[0-9A-Za-z]{20}`),
		"a key of the hub":         regexp.MustCompile(`\bryg_live_[0-9a-z]+_[0-9A-Za-z]{43}`),
		"a session of the hub":     regexp.MustCompile(`\brys_[0-9a-z]{20,}_?[0-9A-Za-z]{43}`),
		"a key of a machine":       regexp.MustCompile(`\b(AGE-SECRET` + `-KEY-1|PRIVATE` + `\+KEY\+)`),
		"a password in an address": regexp.MustCompile(`[a-z]+://[^/\s:@"'{}<>$%]+:[^/\s:@"'{}<>$%]{8,}@[a-z0-9]`),
	}
}

// examples are files in which something looks like a secret and is none, and what it is.
func examples() map[string]string {
	return map[string]string{
		"shared/identity/secret_test.go":  "a key of the hub, made up",
		"shared/identity/session_test.go": "a session of the hub, made up",
	}
}

func TestNoSecretIsInTheRepository(t *testing.T) {
	t.Parallel()
	from, looked, excused := root(t), 0, examples()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == ".git" || d.Name() == ".terraform" || d.Name() == ".local") {
				return filepath.SkipDir
			}
			return err
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 8<<20 {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		looked++
		name, _ := filepath.Rel(from, path)
		for what, form := range secretForms() {
			for _, at := range form.FindAllIndex(text, -1) {
				if excused[filepath.ToSlash(name)] == "" {
					t.Errorf("%s:%d looks like %s: take it out and replace it where it is used", name, 1+strings.Count(string(text[:at[0]]), "\n"), what)
				}
			}
		}
		return nil
	})
	if err != nil || looked < 300 {
		t.Errorf("%d files are looked at, %v", looked, err)
	}
}

func TestSecretsAreKnownByTheirForms(t *testing.T) {
	t.Parallel()
	forms := secretForms()
	for what, text := range map[string]string{
		"a private key":            "-----BEGIN EC PRIVATE " + "KEY-----",
		"a key of Google's":        "AIza" + strings.Repeat("x", 35),
		"a key of AWS":             "AKIA" + strings.Repeat("A", 16),
		"a service account":        `"private_key"` + `: "x`,
		"a key of the hub":         "ryg_live_" + "abc_" + strings.Repeat("a", 49),
		"a password in an address": "postgres" + "://hub:correcthorse@db",
	} {
		if !forms[what].MatchString(text) {
			t.Errorf("%s is not known", what)
		}
	}
}
