package gcp

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"google.golang.org/grpc"
)

// Env is a process environment: names and values. Functions read it instead of [os.Getenv], so that tests and the local
// runner can give each function its own.
type Env map[string]string

// ProcessEnv returns the environment of this process.
func ProcessEnv() Env {
	e := Env{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
	return e
}

// Load reads a configuration struct of type T by its `env` and `envDefault` tags. Every fault is in the error, one a
// line, by variable name and without its value.
func Load[T any](e Env) (T, error) {
	cfg, err := env.ParseAsWithOptions[T](env.Options{Environment: e})
	if err == nil {
		return cfg, nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return cfg, fmt.Errorf("read configuration: %w", err)
	}
	faults := make([]error, 0, len(all.Errors))
	for _, one := range all.Errors {
		faults = append(faults, describe(one))
	}
	return cfg, fmt.Errorf("configuration: %w", errors.Join(faults...))
}

// describe names the variable and the kind of fault. Parse errors carry the offending value, which may be a secret, so
// only the field is kept of them.
func describe(err error) error {
	var parse env.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("field %s cannot be read as %s", parse.Name, parse.Type)
	}
	return err
}

// Config is what every function needs of the cloud. Embed it in a function's own configuration.
type Config struct {
	// Project is the Google Cloud project's id.
	Project string `env:"GOOGLE_CLOUD_PROJECT,required,notEmpty"`
	// Database is the Firestore database's id.
	Database string `env:"RYGGRAD_DATABASE" envDefault:"(default)"`
	// KeyRing is the full name of the KMS key ring: projects/P/locations/L/keyRings/R.
	KeyRing string `env:"RYGGRAD_KEY_RING,required,notEmpty"`
	// BaseURL is the hub's public address, without a slash at its end. It is the issuer and audience of its tokens.
	BaseURL string `env:"RYGGRAD_BASE_URL,required,notEmpty"`
	// Service is the Cloud Run service's name; Cloud Run sets it.
	Service string `env:"K_SERVICE" envDefault:"ryggrad"`
	// TrustedHops is how many proxies of our own append to X-Forwarded-For: 0 directly on the network, 2 behind the
	// external load balancer, which appends the caller's address and its own.
	TrustedHops int `env:"RYGGRAD_TRUSTED_HOPS" envDefault:"0"`
	// Patience replaces, when it is set, how long a request waits for each thing that it can do without: that an event is
	// announced, a refusal or a last use written down, a key read again. By itself that is a second or two.
	Patience time.Duration `env:"RYGGRAD_PATIENCE"`

	FirestoreHost string `env:"FIRESTORE_EMULATOR_HOST"`
	PubSubHost    string `env:"PUBSUB_EMULATOR_HOST"`
	StorageHost   string `env:"STORAGE_EMULATOR_HOST"`
	KMSHost       string `env:"KMS_EMULATOR_HOST"`

	// DialOptions are added to every gRPC connection; tests count and break calls with them.
	DialOptions []grpc.DialOption `env:"-"`
}

// KeyName returns the full name of a key of the hub's key ring, such as "tenant-keys".
func (c Config) KeyName(key string) string { return c.KeyRing + "/cryptoKeys/" + key }

// InCloud tells whether the function runs on Google Cloud rather than beside emulators.
func (c Config) InCloud() bool { return c.FirestoreHost == "" && c.KMSHost == "" }
