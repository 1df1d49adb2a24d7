package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"ryggrad.internal/hub/shared/gcp"
)

// between puts something between functions and the whole cloud, and returns the environment in which functions go through
// it: what around makes of the cloud itself.
func between(t *testing.T, env gcp.Env, around func(cloud http.Handler) http.Handler) gcp.Env {
	t.Helper()
	hosts := map[string]*httputil.ReverseProxy{} // by the first element of a path; "" is Cloud Storage
	var both http.Protocols
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	server := httptest.NewUnstartedServer(around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		to, known := hosts[first]
		if !known {
			to = hosts[""]
		}
		to.ServeHTTP(w, r)
	})))
	through := maps.Clone(env)
	for name, path := range map[string]string{
		"FIRESTORE_EMULATOR_HOST": "google.firestore.v1.Firestore", "PUBSUB_EMULATOR_HOST": "google.pubsub.v1.Publisher",
		"KMS_EMULATOR_HOST": "google.cloud.kms.v1.KeyManagementService", "STORAGE_EMULATOR_HOST": "",
	} {
		hosts[path] = passTo(env[name], path != "")
		through[name] = server.Listener.Addr().String()
	}
	server.Config.Protocols = &both
	server.Start()
	t.Cleanup(server.Close)
	return through
}

func passTo(host string, grpc bool) *httputil.ReverseProxy {
	var protocols http.Protocols
	protocols.SetHTTP1(!grpc)
	protocols.SetUnencryptedHTTP2(grpc)
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: host}); r.Out.Host = r.In.Host },
		Transport:     &http.Transport{Protocols: &protocols},
		FlushInterval: -1,
	}
}

// fail answers an RPC with a code.
func fail(w http.ResponseWriter, code codes.Code) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", fmt.Sprint(int(code)))
}
