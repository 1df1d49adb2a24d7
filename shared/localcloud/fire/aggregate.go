package firestore

import (
	"fmt"
	"math"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/fire/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/fire/wire"
)

// maxAggregations is how many aggregations one query can have.
const maxAggregations = 5

// aggregate counts documents, or sums the numbers in one of their fields.
type aggregate struct {
	alias string
	upTo  int64          // a count's limit; 0 for none
	path  fieldpath.Path // nil: a count
	mean  bool

	count   int64
	integer int64 // the sum, as long as it is one
	double  float64
	inexact bool // the sum is a double
}

func aggregates(in []*firestorepb.StructuredAggregationQuery_Aggregation) ([]*aggregate, error) {
	if len(in) == 0 || len(in) > maxAggregations {
		return nil, invalid("An aggregation query must have 1 to %d aggregations.", maxAggregations)
	}
	all := make([]*aggregate, 0, len(in))
	for i, each := range in {
		a := &aggregate{alias: each.GetAlias()}
		if a.alias == "" {
			a.alias = fmt.Sprintf("field_%d", i+1)
		}
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
			if a.upTo = op.Count.GetUpTo().GetValue(); a.upTo <= 0 {
				return invalid("count up_to must be greater than 0.")
			}
		}
		return nil
	case *firestorepb.StructuredAggregationQuery_Aggregation_Sum_:
		a.path, err = fieldpath.Parse(op.Sum.GetField().GetFieldPath())
	case *firestorepb.StructuredAggregationQuery_Aggregation_Avg_:
		a.mean = true
		a.path, err = fieldpath.Parse(op.Avg.GetField().GetFieldPath())
	default:
		return invalid("An aggregation must have an operator.")
	}
	if err != nil {
		return invalid("%s", err)
	}
	return nil
}

func (a *aggregate) add(fields wire.Fields) {
	if a.path == nil {
		if a.upTo == 0 || a.count < a.upTo {
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
