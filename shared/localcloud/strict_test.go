package localcloud_test

import (
	"os"
	"testing"

	gcfirestore "cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud"
)

// What the table of collections lists is what production has: nothing else is served here either.
func TestAQueryWithoutAListedIndexIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" {
		t.Skip("Google's emulator serves queries without an index")
	}
	cloud := start(t, localcloud.Options{})
	client, err := gcfirestore.NewClient(t.Context(), "p", dial(cloud.Endpoints()["firestore"])...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	orders := client.Collection("orders")
	for name, c := range map[string]struct {
		query gcfirestore.Query
		want  codes.Code
	}{
		"listed":                      {orders.Where("tenant", "==", "t").OrderBy("updatedAt", gcfirestore.Desc), codes.OK},
		"not listed":                  {orders.Where("tenant", "==", "t").OrderBy("total", gcfirestore.Asc), codes.FailedPrecondition},
		"a field without an index":    {orders.Where("total", "==", 1), codes.FailedPrecondition},
		"a collection that is no one": {client.Collection("nowhere").Where("a", "==", 1), codes.FailedPrecondition},
	} {
		if _, err := c.query.Documents(t.Context()).GetAll(); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
