package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// credentials are what somebody needs to use the running hub; the JSON is the file of -credentials.
type credentials struct {
	BaseURL   string               `json:"baseUrl"`
	Tenant    string               `json:"tenant"`
	Location  string               `json:"location"`
	Clients   map[string]clientKey `json:"clients"`  // by name
	Channels  map[string]linkKey   `json:"channels"` // by adapter
	Users     map[string]userKey   `json:"users"`    // by role
	Endpoints map[string]string    `json:"endpoints"`
	Buckets   map[string]string    `json:"buckets"`
}

type clientKey struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	APIKey       string `json:"apiKey"`
}

type linkKey struct {
	URL    string `json:"url"`
	Secret string `json:"secret"`
	Link   string `json:"link"`
}

// write replaces the file at once, so that whoever waits for it never reads a half of it.
func (c credentials) write(file string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write the credentials: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the credentials: %w", err)
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // gone after the rename
	if _, err := temporary.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the credentials: %w", err)
	}
	if err := temporary.Sync(); err != nil {
		return fmt.Errorf("write the credentials: %w", err)
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("write the credentials: %w", err)
	}
	return os.Rename(temporary.Name(), file)
}

// readCredentials reads what write wrote; there being no file is [os.ErrNotExist].
func readCredentials(file string) (credentials, error) {
	var c credentials
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own file
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("read %s: %w; remove it and the directory beside it to begin anew", file, err)
	}
	return c, nil
}
