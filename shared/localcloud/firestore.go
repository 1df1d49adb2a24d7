package localcloud

import (
	"ryggrad.internal/hub/shared"
	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

// openFirestore opens the embedded Firestore, which refuses the queries that production would refuse, and registers it
// with the gRPC server.
func (c *Cloud) openFirestore() error {
	indexes, err := listedIndexes()
	if err != nil {
		return err
	}
	server, err := firestore.Open(firestore.Options{
		Dir: c.opts.below("firestore"), Now: c.opts.Now, Log: c.opts.Log, Indexes: indexes})
	if err != nil {
		return err
	}
	c.closeLater(server.Close)
	server.Register(c.grpc)
	return nil
}

// listedIndexes are the indexes that the table of collections lists.
func listedIndexes() (query.Indexes, error) {
	table, err := shared.Collections()
	if err != nil {
		return nil, err
	}
	indexes := query.Indexes{}
	for _, collection := range table {
		listed := query.Collection{Single: collection.Single}
		for _, index := range collection.Indexes {
			var fields []query.IndexField
			for _, f := range index.Fields() {
				fields = append(fields, query.IndexField{Path: f.Path, Descending: f.Descending, Contains: f.Contains})
			}
			listed.Composite = append(listed.Composite, fields)
		}
		indexes[collection.Name] = listed
	}
	return indexes, nil
}
