package firestore

import (
	"fmt"
	"math"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// maxAggregations is how many aggregations one query can have.
const maxAggregations = 5

// aggregate counts documents, or sums the numbers in one of their fields.
type aggregate struct {
	alias string
	upTo  int64          // a count's limit, maybe math.MaxInt64
	path  fieldpath.Path // nil: a count
	mean  bool

	count   int64
	integer int64 // the sum, as long as it is one
	double  float64
	inexact bool // the sum is a double
}

func aggregates(in []*firestorepb.StructuredAggregationQuery_Aggregation) ([]*aggregate, error) {
	if len(in) == 0 {
		return nil, invalid("Aggregations can not be empty.")
	}
	if len(in) > maxAggregations {
		return nil, invalid("The maximum number of aggregations allowed in an aggregation query is %d.", maxAggregations)
	}
	seen := map[string]bool{}
	all := make([]*aggregate, 0, len(in))
	for i, each := range in {
		a := &aggregate{alias: each.GetAlias(), upTo: math.MaxInt64}
		if a.alias == "" {
			a.alias = fmt.Sprintf("field_%d", i+1)
		}
		if seen[a.alias] {
			return nil, invalid("Aggregation aliases contain duplicate alias: %s.", a.alias)
		}
		seen[a.alias] = true
		if err := a.parse(each); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (a *aggregate) parse(in *firestorepb.StructuredAggregationQuery_Aggregation) (err error) {
	switch op := in.GetOperator().(type) {
	case *firestorepb.StructuredAggregationQuery_Aggregation_Count_:
		if op.Count.GetUpTo() != nil {
			if a.upTo = op.Count.GetUpTo().GetValue(); a.upTo < 0 {
				return invalid("The `up_to` value in a COUNT aggregation must be greater than or equal to zero.")
			}
		}
		return nil
	case *firestorepb.StructuredAggregationQuery_Aggregation_Sum_:
		a.path, err = fieldpath.Parse(op.Sum.GetField().GetFieldPath())
	case *firestorepb.StructuredAggregationQuery_Aggregation_Avg_:
		a.mean = true
		a.path, err = fieldpath.Parse(op.Avg.GetField().GetFieldPath())
	default:
		return invalid("Operator field in Aggregation is not set.")
	}
	if err != nil {
		return invalid("%s", err)
	}
	return nil
}

// summed are the fields whose values are summed up.
func summed(all []*aggregate) []fieldpath.Path {
	var paths []fieldpath.Path
	for _, a := range all {
		if a.path != nil {
			paths = append(paths, a.path)
		}
	}
	return paths
}

// addAll adds a document to all aggregates, unless one of them is about a field that it lacks.
func addAll(all []*aggregate, fields wire.Fields) {
	for _, a := range all {
		if a.path == nil {
			continue
		}
		if _, ok := fields.Lookup(a.path); !ok {
			return
		}
	}
	for _, a := range all {
		a.add(fields)
	}
}

func (a *aggregate) add(fields wire.Fields) {
	if a.path == nil {
		if a.count < a.upTo {
			a.count++
		}
		return
	}
	v, ok := fields.Lookup(a.path)
	if !ok {
		return
	}
	switch kind, number, _ := v.Kind(); kind {
	case wire.Integer:
		a.count++
		a.addInteger(int64(number)) //nolint:gosec // two's complement
	case wire.Double:
		a.count++
		a.inexact = true
		a.double += math.Float64frombits(number)
	default: // no number, nothing to add
	}
}

func (a *aggregate) addInteger(i int64) {
	a.double += float64(i)
	sum := a.integer + i
	if (i > 0) != (sum > a.integer) && i != 0 {
		a.inexact = true
	}
	a.integer = sum
}

func (a *aggregate) value() *firestorepb.Value {
	switch {
	case a.path == nil:
		return integer(a.count)
	case a.mean && a.count == 0:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	case a.mean:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: a.double / float64(a.count)}}
	case a.inexact:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: a.double}}
	default:
		return integer(a.integer)
	}
}

func integer(i int64) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: i}}
}
