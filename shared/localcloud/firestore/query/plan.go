// Package query turns a structured query into a plan: which documents it can find, which of them match, and how they
// are ordered. It decides by the keys of package sortkey alone and knows no storage.
package query

import (
	"cmp"
	"fmt"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// Document is what a plan looks at.
type Document struct {
	Key    string // of the document's path, by package sortkey
	Fields wire.Fields
}

// Plan is a query that can be run. It holds scratch memory and so serves one goroutine at a time.
type Plan struct {
	Collection  string // the id of the collections that are searched; empty for all
	Parent      string // the key of what the documents are below: the parent's path, with the collection unless Descendants
	Descendants bool   // at any depth, not only directly
	Orders      []Order
	Offset      int
	Limit       int        // negative: none
	Projection  Projection // nil: the whole document

	filter     *filter // nil: everything matches
	start, end *bound
	scratch    []byte
}

// Order is one field that a query sorts by.
type Order struct {
	Path       fieldpath.Path
	Descending bool
}

// Projection are the field paths that a query answers with.
type Projection []fieldpath.Path

// Compile checks a query and plans it. The database is a full resource name, the parent a path below its documents,
// empty for the root; summed are the fields whose values are summed up, which are sorted by as if the query said so. Faults
// are INVALID_ARGUMENT, and UNIMPLEMENTED for what this store does not do.
func Compile(database, parent string, q *firestorepb.StructuredQuery, summed ...fieldpath.Path) (*Plan, error) {
	if q.GetFindNearest() != nil {
		return nil, status.Error(codes.Unimplemented, "vector queries are not part of the embedded Firestore")
	}
	p := &Plan{Limit: -1, Offset: int(q.GetOffset())}
	c := compiler{database: database, parent: parent, summed: summed, plan: p}
	for _, step := range []func(*firestorepb.StructuredQuery) error{c.from, c.limits, c.where, c.orderBy, c.cursors, c.projection, c.scan} {
		if err := step(q); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type compiler struct {
	database string
	parent   string
	summed   []fieldpath.Path
	plan     *Plan
	named    int // how many of the orders the query names itself
}

func (c *compiler) limits(q *firestorepb.StructuredQuery) error {
	if q.GetOffset() < 0 {
		return invalid("offset must be greater than or equal to zero")
	}
	if len(c.summed) > 0 && len(q.GetSelect().GetFields()) > 0 {
		return invalid("Cannot apply property masks when aggregation fields are present.")
	}
	if q.GetLimit() == nil {
		return nil
	}
	if c.plan.Limit = int(q.GetLimit().GetValue()); c.plan.Limit < 0 {
		return invalid("limit must be greater than or equal to zero")
	}
	return nil
}

func (c *compiler) from(q *firestorepb.StructuredQuery) error {
	from := q.GetFrom()
	if len(from) > 1 {
		return invalid("StructuredQuery.from cannot have more than one collection selector.")
	}
	key := sortkey.AppendPath(nil, c.parent)
	if len(from) == 1 {
		c.plan.Collection, c.plan.Descendants = from[0].GetCollectionId(), from[0].GetAllDescendants()
	}
	if c.plan.Collection != "" {
		if err := resource.CheckCollection(c.plan.Collection); err != nil {
			return invalid(err.Error())
		}
	}
	if c.plan.Collection != "" && !c.plan.Descendants {
		key = sortkey.AppendPath(key, c.plan.Collection)
	}
	c.plan.Parent = string(key)
	return nil
}

// orderBy completes the orders: the fields of inequalities come after those that are named, the document's name last,
// both in the direction of what is before them.
func (c *compiler) orderBy(q *firestorepb.StructuredQuery) error {
	for _, order := range q.GetOrderBy() {
		path, err := fieldPath(order.GetField())
		if err != nil {
			return err
		}
		if n := len(c.plan.Orders); n > 0 && c.plan.Orders[n-1].Path.IsName() {
			return invalid("order by clause cannot contain more fields after the key")
		}
		if !c.order(path, order.GetDirection() == firestorepb.StructuredQuery_DESCENDING) {
			return invalid("order by clause cannot contain duplicate fields " + path.String())
		}
	}
	c.named = len(c.plan.Orders)
	return c.impliedOrders()
}

func (c *compiler) impliedOrders() error {
	descending := false
	if n := len(c.plan.Orders); n > 0 {
		descending = c.plan.Orders[n-1].Descending
	}
	for _, path := range c.plan.filter.inequalities() {
		if !path.IsName() && c.order(path, descending) && c.namesKey() {
			return invalid("order by clause cannot contain more fields after the key")
		}
	}
	if err := c.scope(descending); err != nil {
		return err
	}
	if err := c.orderSummed(descending); err != nil {
		return err
	}
	c.order(fieldpath.Path{fieldpath.Name}, descending)
	return nil
}

// scan refuses to go through documents by their names backwards.
func (c *compiler) scan(*firestorepb.StructuredQuery) error {
	if len(c.plan.Orders) == 0 {
		return nil
	}
	if byName, descending := c.plan.ByName(); byName && descending && !c.plan.filter.hasEquality() {
		return status.Error(codes.FailedPrecondition, "Firestore does not support descending key scans")
	}
	return nil
}

// namesKey tells whether the query itself sorts by the documents' names, which nothing can follow.
func (c *compiler) namesKey() bool { return c.named > 0 && c.plan.Orders[c.named-1].Path.IsName() }

// scope refuses what can only be found in a collection, or in all of an id.
func (c *compiler) scope(descending bool) error {
	path := c.beyondName()
	byName := path == nil && (len(c.plan.Orders) == 0 || !descending)
	switch {
	case c.plan.Descendants && c.parent != "" && path != nil:
		return invalid("collection group queries are only allowed at the root parent")
	case c.plan.Collection == "" && !byName:
		return invalid("kind is required for all filters and orders except __key__ ascending")
	default:
		return nil
	}
}

// beyondName is a field by which the query filters or sorts, nil when it is only about the documents' names.
func (c *compiler) beyondName() fieldpath.Path {
	for leaf := range c.plan.filter.leaves() {
		if !leaf.path.IsName() {
			return leaf.path
		}
	}
	for _, o := range c.plan.Orders {
		if !o.Path.IsName() {
			return o.Path
		}
	}
	return nil
}

// orderSummed sorts by the fields that are summed up: their values are taken out of the index that serves the query, in
// which nothing comes after the document's name.
func (c *compiler) orderSummed(descending bool) error {
	nameComesFirst := c.namesKey() || c.plan.filter.comparesName() || (c.plan.Descendants && c.parent != "")
	for _, path := range c.summed {
		if path.IsName() {
			return invalid("Aggregations are not supported for the property: __key__")
		}
		if !nameComesFirst {
			c.order(path, descending)
			continue
		}
		if !slices.ContainsFunc(c.plan.Orders, func(o Order) bool { return slices.Equal(o.Path, path) }) {
			return cmp.Or(c.scan(nil), invalid(fmt.Sprintf("This query requires an index that has fields [%s] after __name__ and Firestore does not "+
				"currently support such an index. Please try the query again with additional ordering on those fields.", path)))
		}
	}
	return nil
}

// order adds an order, unless its field has one.
func (c *compiler) order(path fieldpath.Path, descending bool) bool {
	for _, o := range c.plan.Orders {
		if slices.Equal(o.Path, path) {
			return false
		}
	}
	c.plan.Orders = append(c.plan.Orders, Order{Path: path, Descending: descending})
	return true
}

func (c *compiler) projection(q *firestorepb.StructuredQuery) error {
	if len(q.GetSelect().GetFields()) == 0 {
		return nil
	}
	c.plan.Projection = Projection{}
	for _, field := range q.GetSelect().GetFields() {
		path, err := fieldPath(field)
		if err != nil {
			return err
		}
		if !path.IsName() {
			c.plan.Projection = append(c.plan.Projection, path)
		}
	}
	return nil
}

func fieldPath(field *firestorepb.StructuredQuery_FieldReference) (fieldpath.Path, error) {
	path, err := fieldpath.Parse(field.GetFieldPath())
	if err != nil {
		return nil, invalid(err.Error())
	}
	return path, nil
}

func invalid(text string) error { return status.Error(codes.InvalidArgument, text) }
