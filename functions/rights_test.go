package functions_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ryggrad.internal/hub/functions"
)

// use is one permission on one thing: what a function did, or what a role lets it do. On is `project`, or a topic, key or
// bucket as functions.json names it: `topics/events`, `keys/tenant-keys`, `buckets/audit`.
type use struct{ permission, on string }

// rolePermissions are the roles that functions may be given, and what of each matters here, as
// https://cloud.google.com/iam/docs/roles-permissions lists it. A role that is not here is none for a function.
func rolePermissions() map[string][]string {
	return map[string][]string{
		"roles/datastore.viewer": {"datastore.databases.get", "datastore.entities.get", "datastore.entities.list"},
		"roles/datastore.user": {"datastore.databases.get", "datastore.entities.get", "datastore.entities.list",
			"datastore.entities.create", "datastore.entities.update", "datastore.entities.delete"},
		"roles/pubsub.publisher":                     {"pubsub.topics.publish"},
		"roles/cloudkms.cryptoKeyEncrypter":          {"cloudkms.cryptoKeyVersions.useToEncrypt"},
		"roles/cloudkms.cryptoKeyDecrypter":          {"cloudkms.cryptoKeyVersions.useToDecrypt"},
		"roles/cloudkms.cryptoKeyEncrypterDecrypter": {"cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyVersions.useToDecrypt"},
		"roles/cloudkms.signer":                      {"cloudkms.cryptoKeyVersions.useToSign"},
		"roles/cloudkms.publicKeyViewer":             {"cloudkms.cryptoKeyVersions.viewPublicKey"},
		"roles/cloudkms.signerVerifier": {"cloudkms.cryptoKeyVersions.useToSign", "cloudkms.cryptoKeyVersions.useToVerify",
			"cloudkms.cryptoKeyVersions.viewPublicKey"},
		"roles/cloudkms.viewer": {"cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.list", "cloudkms.cryptoKeyVersions.get",
			"cloudkms.cryptoKeyVersions.list"},
		"roles/storage.objectCreator": {"storage.objects.create"},
		"roles/storage.objectViewer":  {"storage.objects.get", "storage.objects.list"},
		"roles/storage.objectUser": {"storage.objects.get", "storage.objects.list", "storage.objects.create",
			"storage.objects.delete", "storage.objects.update"},
	}
}

// rpcPermissions are what each RPC asks for, by the tables of its service:
// https://cloud.google.com/firestore/docs/security/iam, https://cloud.google.com/kms/docs/reference/permissions-and-roles,
// https://cloud.google.com/pubsub/docs/access-control. A Commit may create, change and delete; the only role with one of
// them has all.
func rpcPermissions() map[string][]string {
	const firestore, kms = "/google.firestore.v1.Firestore/", "/google.cloud.kms.v1.KeyManagementService/"
	list := []string{"datastore.entities.get", "datastore.entities.list"}
	return map[string][]string{
		firestore + "BatchGetDocuments":       {"datastore.entities.get"},
		firestore + "RunQuery":                list,
		firestore + "RunAggregationQuery":     list,
		firestore + "ListDocuments":           list,
		firestore + "ListCollectionIds":       {"datastore.entities.list"},
		firestore + "BeginTransaction":        {"datastore.databases.get"},
		firestore + "Rollback":                {"datastore.databases.get"},
		firestore + "Commit":                  {"datastore.entities.create", "datastore.entities.update", "datastore.entities.delete"},
		firestore + "BatchWrite":              {"datastore.entities.create", "datastore.entities.update", "datastore.entities.delete"},
		kms + "Encrypt":                       {"cloudkms.cryptoKeyVersions.useToEncrypt"},
		kms + "Decrypt":                       {"cloudkms.cryptoKeyVersions.useToDecrypt"},
		kms + "AsymmetricSign":                {"cloudkms.cryptoKeyVersions.useToSign"},
		kms + "GetPublicKey":                  {"cloudkms.cryptoKeyVersions.viewPublicKey"},
		kms + "GetCryptoKey":                  {"cloudkms.cryptoKeys.get"},
		kms + "GetCryptoKeyVersion":           {"cloudkms.cryptoKeyVersions.get"},
		kms + "ListCryptoKeyVersions":         {"cloudkms.cryptoKeyVersions.list"},
		"/google.pubsub.v1.Publisher/Publish": {"pubsub.topics.publish"},
		"GET object":                          {"storage.objects.get", "storage.objects.list"}, // without list, what is missing answers 403 and not 404
		"GET objects":                         {"storage.objects.list"},
		"CREATE object":                       {"storage.objects.create"},
		"REPLACE object":                      {"storage.objects.create", "storage.objects.delete"},
		"DELETE object":                       {"storage.objects.delete"},
	}
}

// seen is an RPC as it was on the wire.
type seen struct{ rpc, on string }

// seenIn reads a request of gRPC or of Cloud Storage's JSON API. What it calls is in its path; what it is about is in the
// header by which Google routes, or in the path.
func seenIn(r *http.Request) seen {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		params, _ := url.ParseQuery(r.Header.Get("X-Goog-Request-Params"))
		return seen{r.URL.Path, named(params)}
	}
	_, path, _ := strings.Cut(r.URL.Path, "/b/")
	bucket, rest, _ := strings.Cut(path, "/")
	what := r.Method + " object"
	switch {
	case r.Method == http.MethodGet && rest == "o":
		what = "GET objects"
	case r.Method == http.MethodPost && r.URL.Query().Get("ifGenerationMatch") == "0":
		what = "CREATE object"
	case r.Method == http.MethodPost:
		what = "REPLACE object"
	}
	return seen{what, "buckets/" + bucket[strings.LastIndex(bucket, "-")+1:]}
}

// named says in the words of functions.json what a call is about.
func named(params url.Values) string {
	for _, full := range slices.Concat(params["name"], params["parent"], params["topic"]) {
		if _, key, ok := strings.Cut(full, "/cryptoKeys/"); ok {
			key, _, _ = strings.Cut(key, "/")
			return "keys/" + key
		}
		if _, topic, ok := strings.Cut(full, "/topics/"); ok {
			return "topics/" + topic
		}
	}
	return "project"
}

// granted are the roles of a function, by what they are on.
func granted(f functions.Function) map[string][]string {
	all := map[string][]string{"project": f.Roles.Project}
	for kind, by := range map[string]map[string][]string{"topics/": f.Roles.Topics, "keys/": f.Roles.Keys, "buckets/": f.Roles.Buckets} {
		for name, roles := range by {
			all[kind+name] = roles
		}
	}
	return all
}

// uses are the permissions that what was seen asks for.
func uses(t *testing.T, calls map[seen]int) map[use]bool {
	t.Helper()
	all := map[use]bool{}
	for s := range calls {
		permissions, known := rpcPermissions()[s.rpc]
		if !known {
			t.Errorf("nobody has said what %s asks for: add it to rpcPermissions", s.rpc)
		}
		for _, p := range permissions {
			all[use{p, s.on}] = true
		}
	}
	return all
}

// wrong tells what is wrong with a function's roles, given what it was seen to use.
func wrong(roles map[string][]string, used map[use]bool) []string {
	var faults []string
	catalog := rolePermissions()
	may := func(on string, roles []string, u use) bool {
		return u.on == on && slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(catalog[r], u.permission) })
	}
	for u := range used {
		if !may(u.on, roles[u.on], u) {
			faults = append(faults, tooFew+u.permission+" on "+u.on+", which no role gives it")
		}
	}
	for on, given := range roles {
		for i, role := range given {
			if catalog[role] == nil {
				faults = append(faults, role+" on "+on+" is not in rolePermissions")
				continue
			}
			others := slices.Delete(slices.Clone(given), i, i+1)
			var needed []string // for which it has only this role
			for u := range used {
				if may(on, []string{role}, u) && !may(on, others, u) {
					needed = append(needed, u.permission)
				}
			}
			if len(needed) == 0 {
				faults = append(faults, role+" on "+on+" is used for nothing")
			} else if less := smaller(catalog, role, needed); less != "" {
				faults = append(faults, less+" on "+on+" would do in the place of "+role)
			}
		}
	}
	slices.Sort(faults)
	return faults
}

// smaller finds roles that together give less than a role, nothing that it does not give, and still what is needed.
func smaller(catalog map[string][]string, than string, needed []string) string {
	var roles []string
	given := map[string]bool{}
	for _, role := range slices.Sorted(maps.Keys(catalog)) {
		within := !slices.ContainsFunc(catalog[role], func(p string) bool { return !slices.Contains(catalog[than], p) })
		wanted := slices.ContainsFunc(catalog[role], func(p string) bool { return slices.Contains(needed, p) })
		if len(catalog[role]) == len(catalog[than]) || !within || !wanted {
			continue
		}
		roles = append(roles, role)
		for _, p := range catalog[role] {
			given[p] = true
		}
	}
	if len(given) == len(catalog[than]) || slices.ContainsFunc(needed, func(p string) bool { return !given[p] }) {
		return ""
	}
	return strings.Join(roles, " and ")
}

func TestRolesTooManyAndTooFewAreFound(t *testing.T) {
	t.Parallel()
	used := map[use]bool{
		{"datastore.entities.get", "project"}:                              true,
		{"cloudkms.cryptoKeyVersions.useToDecrypt", "keys/tenant-keys"}:    true,
		{"cloudkms.cryptoKeyVersions.useToSign", "keys/access-tokens"}:     true,
		{"cloudkms.cryptoKeyVersions.viewPublicKey", "keys/access-tokens"}: true,
		{"storage.objects.create", "buckets/audit"}:                        true,
	}
	right := func() map[string][]string {
		return map[string][]string{
			"project": {"roles/datastore.viewer"}, "keys/tenant-keys": {"roles/cloudkms.cryptoKeyDecrypter"},
			"keys/access-tokens": {"roles/cloudkms.signer", "roles/cloudkms.publicKeyViewer"}, "buckets/audit": {"roles/storage.objectCreator"},
		}
	}
	for name, c := range map[string]struct {
		on    string
		roles []string
		want  string
	}{
		"right":                {"project", []string{"roles/datastore.viewer"}, ""},
		"more than is used":    {"project", []string{"roles/datastore.user"}, "roles/datastore.viewer on project would do"},
		"both ways of a key":   {"keys/tenant-keys", []string{"roles/cloudkms.cryptoKeyEncrypterDecrypter"}, "cryptoKeyDecrypter on keys/tenant-keys would do"},
		"a role of no use":     {"topics/events", []string{"roles/pubsub.publisher"}, "publisher on topics/events is used for nothing"},
		"the same twice":       {"keys/access-tokens", []string{"roles/cloudkms.signer", "roles/cloudkms.signerVerifier"}, "roles/cloudkms.signer on keys/access-tokens is used for nothing"},
		"one role for two":     {"keys/access-tokens", []string{"roles/cloudkms.signerVerifier"}, "publicKeyViewer and roles/cloudkms.signer on keys/access-tokens would do"},
		"a role that is none":  {"buckets/audit", []string{"roles/storage.admin"}, "not in rolePermissions"},
		"one that is missing":  {"buckets/audit", nil, "it uses storage.objects.create on buckets/audit"},
		"one on another thing": {"keys/tenant-keys", []string{"roles/cloudkms.signer"}, "it uses cloudkms.cryptoKeyVersions.useToDecrypt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roles := right()
			roles[c.on] = c.roles
			found := strings.Join(wrong(roles, used), "\n")
			if c.want == "" && found != "" || !strings.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}

// ahead are roles that are granted for what a play does not come to, and why.
func ahead() map[string]string {
	return map[string]string{
		"status: roles/cloudkms.cryptoKeyDecrypter on keys/tenant-keys would do in the place of roles/cloudkms.cryptoKeyEncrypterDecrypter": "it makes the hub's first key when a weakness is reported before anybody has logged in",
	}
}

func TestEveryFunctionMayDoWhatItDoesAndNothingElse(t *testing.T) {
	t.Parallel()
	calls, excused := live(t), ahead()
	for _, f := range table(t) {
		if f.Coming {
			continue
		}
		if len(calls[f.Name]) == 0 {
			t.Errorf("%s was not seen to do anything: have it do all that it does in live_test.go", f.Name)
			continue
		}
		for _, fault := range wrong(granted(f), uses(t, calls[f.Name])) {
			if slices.Contains(unwatched(), f.Name) && !strings.HasPrefix(fault, tooFew) {
				continue
			}
			if excused[f.Name+": "+fault] == "" {
				t.Errorf("%s: %s", f.Name, fault)
			}
			delete(excused, f.Name+": "+fault)
		}
	}
	for fault := range excused {
		t.Errorf("%s: that is excused, and not so any more; take it out of ahead", fault)
	}
}

// tooFew begins what is said of a permission that is missing.
const tooFew = "it uses "

// unwatched are functions of which a play does not always see the same: verify opens a 168th of all files in an hour. What
// they are seen to do they may; that they may nothing else is not asked.
func unwatched() []string { return []string{"verify"} }
