// Command floor is the least that a function of this kind can be: the same framework, one connection to Firestore, one
// commit a request. The orders function's cold start and idle memory are measured beside it.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"

	"cloud.google.com/go/firestore"
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	open := sync.OnceValues(func() (*firestore.Client, error) {
		return firestore.NewClient(context.Background(), os.Getenv("GOOGLE_CLOUD_PROJECT"))
	})
	functions.HTTP("floor", func(w http.ResponseWriter, r *http.Request) { serve(w, r, open) })
}

func serve(w http.ResponseWriter, r *http.Request, open func() (*firestore.Client, error)) {
	db, err := open()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	batch := db.Batch() //nolint:staticcheck // what the hub uses
	batch.Create(db.Collection("floor").NewDoc(), map[string]any{"hello": "world"})
	if _, err := batch.Commit(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
