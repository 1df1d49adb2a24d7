package firestore_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
)

// What is drawn names its documents in this database; each side has its own.
const (
	drawnDatabase  = "projects/PROJECT/databases/(default)"
	drawnDocuments = drawnDatabase + "/documents"
)

// TestRandomCasesAreAnsweredAsGoogleAnswers plays scenes that are drawn, with writes, reads and queries, on Google's
// emulator and on ours. More of them: -rapid.checks=5000.
func TestRandomCasesAreAnsweredAsGoogleAnswers(t *testing.T) {
	t.Parallel()
	emulator := google(t)
	ours := serve(t, firestore.Options{Now: halfMillisecond()})
	rapid.Check(t, func(rt *rapid.T) {
		requests := drawScene(rt)
		want, got := newSide(emulator).playAll(t, requests), newSide(ours).playAll(t, requests)
		for i := range requests {
			if d := cmp.Diff(want[i], got[i]); d != "" {
				rt.Fatalf("%s\n(-Google's +ours):\n%s", strings.Join(requests[:i+1], "\n"), d)
			}
		}
	})
}

// What the two sides say differently on purpose; testdata/fidelity and the package's documentation tell why.
var (
	skipped = regexp.MustCompile(` ?skipped_results:\d+`)
	missing = regexp.MustCompile(`(documents:\{name:"[^"]*") update_time:\{[^}]*\}\}`) // of a document that was deleted
)

// playAll asks requests that are an RPC's name and its request as prototext.
func (s *side) playAll(t *testing.T, requests []string) []string {
	t.Helper()
	answers := make([]string, len(requests))
	for i, request := range requests {
		rpc, request, _ := strings.Cut(request, " ")
		found, err := s.ask(t.Context(), rpc, strings.ReplaceAll(request, "projects/PROJECT/", "projects/"+s.project+"/"))
		answers[i] = missing.ReplaceAllString(skipped.ReplaceAllString(text(found, err), ""), "$1}")
	}
	return s.script(answers)
}

func drawScene(t *rapid.T) []string {
	var requests []string
	add := func(rpc string, request proto.Message) {
		requests = append(requests, rpc+" "+prototext.MarshalOptions{}.Format(request))
	}
	for range rapid.IntRange(2, 12).Draw(t, "commits") {
		add("Commit", &firestorepb.CommitRequest{Database: drawnDatabase, Writes: drawWrites(t)})
	}
	add("RunQuery", runQuery(drawnDocuments, &firestorepb.StructuredQuery{From: []*firestorepb.StructuredQuery_CollectionSelector{{AllDescendants: true}}}))
	for range rapid.IntRange(1, 12).Draw(t, "reads") {
		switch rapid.IntRange(0, 9).Draw(t, "read") {
		case 0:
			add("GetDocument", &firestorepb.GetDocumentRequest{Name: drawName(t), Mask: drawMask(t)})
		case 1:
			add("BatchGetDocuments", &firestorepb.BatchGetDocumentsRequest{
				Database: drawnDatabase, Documents: []string{drawName(t), drawName(t)}, Mask: drawMask(t)})
		case 2:
			add("ListDocuments", &firestorepb.ListDocumentsRequest{
				Parent: drawParent(t), CollectionId: drawCollection(t), ShowMissing: rapid.Bool().Draw(t, "missing")})
		case 3:
			add("ListCollectionIds", &firestorepb.ListCollectionIdsRequest{Parent: drawParent(t)})
		case 4:
			add("RunAggregationQuery", &firestorepb.RunAggregationQueryRequest{Parent: drawParent(t),
				QueryType: &firestorepb.RunAggregationQueryRequest_StructuredAggregationQuery{
					StructuredAggregationQuery: drawAggregation(t)}})
		default:
			add("RunQuery", runQuery(drawParent(t), drawQuery(t)))
		}
	}
	return requests
}

func runQuery(parent string, q *firestorepb.StructuredQuery) *firestorepb.RunQueryRequest {
	return &firestorepb.RunQueryRequest{
		Parent: parent, QueryType: &firestorepb.RunQueryRequest_StructuredQuery{StructuredQuery: q}}
}

func drawCollection(t *rapid.T) string {
	return rapid.SampledFrom([]string{"c", "c", "c", "d"}).Draw(t, "collection")
}

func drawName(t *rapid.T) string {
	id := rapid.SampledFrom([]string{"1", "2", "10", "a", "b", "A", "é", "__id7__", "__id-3__"})
	name := drawnDocuments + "/" + drawCollection(t) + "/" + id.Draw(t, "id")
	if rapid.IntRange(0, 4).Draw(t, "deep") == 0 {
		name += "/" + drawCollection(t) + "/" + id.Draw(t, "id")
	}
	return name
}

func drawParent(t *rapid.T) string {
	if rapid.IntRange(0, 4).Draw(t, "below") == 0 {
		return drawName(t)
	}
	return drawnDocuments
}

func drawPath(t *rapid.T) string {
	return rapid.SampledFrom([]string{"n", "n", "s", "s", "m", "m.x", "m.y", "arr", "`q.r`", "z"}).Draw(t, "path")
}

func drawMask(t *rapid.T) *firestorepb.DocumentMask {
	if rapid.Bool().Draw(t, "whole") {
		return nil
	}
	return &firestorepb.DocumentMask{FieldPaths: rapid.SliceOfNDistinct(rapid.Custom(drawPath), 1, 3, rapid.ID).Draw(t, "mask")}
}

// drawWrites draws the writes of one commit. One that deletes or has a precondition is its document's only one: the sides
// differ in what is told of a deletion, and in what a precondition sees, beside other writes.
func drawWrites(t *rapid.T) []*firestorepb.Write {
	var writes []*firestorepb.Write
	alone := map[string]bool{} // by name, for the documents that are written
	for range rapid.IntRange(1, 4).Draw(t, "writes") {
		w := drawWrite(t)
		name := w.GetUpdate().GetName() + w.GetDelete()
		only := w.GetDelete() != "" || w.GetCurrentDocument() != nil
		if before, written := alone[name]; written && (before || only) {
			continue
		}
		alone[name] = only
		writes = append(writes, w)
	}
	return writes
}

func drawWrite(t *rapid.T) *firestorepb.Write {
	name := drawName(t)
	w := &firestorepb.Write{}
	if rapid.IntRange(0, 5).Draw(t, "precondition") == 0 {
		w.CurrentDocument = &firestorepb.Precondition{
			ConditionType: &firestorepb.Precondition_Exists{Exists: rapid.Bool().Draw(t, "exists")}}
	}
	kind := rapid.IntRange(0, 9).Draw(t, "write")
	if kind == 0 {
		w.Operation = &firestorepb.Write_Delete{Delete: name}
		return w
	}
	w.Operation = &firestorepb.Write_Update{Update: &firestorepb.Document{Name: name, Fields: drawFields(t)}}
	if kind < 4 {
		w.UpdateMask = drawMask(t)
	}
	if kind > 7 {
		w.UpdateMask = &firestorepb.DocumentMask{}
		w.UpdateTransforms = drawTransforms(t)
	}
	return w
}

func drawFields(t *rapid.T) map[string]*firestorepb.Value {
	fields := map[string]*firestorepb.Value{}
	for _, name := range []string{"n", "s", "q.r", "z"} {
		if rapid.IntRange(0, 2).Draw(t, "has "+name) > 0 {
			fields[name] = drawValue(t, 1)
		}
	}
	if rapid.Bool().Draw(t, "has arr") {
		fields["arr"] = drawArray(t, 1)
	}
	if rapid.Bool().Draw(t, "has m") {
		fields["m"] = drawMap(t, 1)
	}
	return fields
}

func drawTransforms(t *rapid.T) []*firestorepb.DocumentTransform_FieldTransform {
	var all []*firestorepb.DocumentTransform_FieldTransform
	paths := rapid.SampledFrom([]string{"n", "s", "m.x", "m.y", "arr"})
	for _, path := range rapid.SliceOfNDistinct(paths, 1, 3, rapid.ID).Draw(t, "transformed") {
		all = append(all, drawTransform(t, path))
	}
	return all
}

func drawTransform(t *rapid.T, path string) *firestorepb.DocumentTransform_FieldTransform {
	f := &firestorepb.DocumentTransform_FieldTransform{FieldPath: path}
	number := func() *firestorepb.Value {
		return rapid.OneOf(rapid.Custom(drawInteger), rapid.Custom(drawDouble)).Draw(t, "operand")
	}
	switch rapid.IntRange(1, 5).Draw(t, "transform") { // the server's time, cut to milliseconds, can fall on another one
	case 1:
		f.TransformType = &firestorepb.DocumentTransform_FieldTransform_Increment{Increment: number()}
	case 2:
		f.TransformType = &firestorepb.DocumentTransform_FieldTransform_Maximum{Maximum: number()}
	case 3:
		f.TransformType = &firestorepb.DocumentTransform_FieldTransform_Minimum{Minimum: number()}
	case 4:
		f.TransformType = &firestorepb.DocumentTransform_FieldTransform_AppendMissingElements{
			AppendMissingElements: drawArray(t, 1).GetArrayValue()}
	default:
		f.TransformType = &firestorepb.DocumentTransform_FieldTransform_RemoveAllFromArray{
			RemoveAllFromArray: drawArray(t, 1).GetArrayValue()}
	}
	return f
}

func drawInteger(t *rapid.T) *firestorepb.Value {
	some := rapid.SampledFrom([]int64{0, 1, 2, 3, -1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64})
	return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: some.Draw(t, "integer")}}
}

func drawDouble(t *rapid.T) *firestorepb.Value {
	some := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 2.5, -1, 1 << 53, 1 << 63, math.NaN(), math.Inf(1), math.Inf(-1)})
	return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: some.Draw(t, "double")}}
}

func drawText(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "b", "ab", "a\x00", "B", "é", "\uffff", "😀"}).Draw(t, "text")
}

func drawAggregation(t *rapid.T) *firestorepb.StructuredAggregationQuery {
	q := &firestorepb.StructuredAggregationQuery{
		QueryType: &firestorepb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: drawQuery(t)}}
	for i := range rapid.IntRange(1, 3).Draw(t, "aggregations") {
		a := &firestorepb.StructuredAggregationQuery_Aggregation{Alias: fmt.Sprintf("a%d", i)}
		field := &firestorepb.StructuredQuery_FieldReference{FieldPath: "n"}
		switch rapid.IntRange(0, 3).Draw(t, "aggregation") {
		case 0:
			a.Operator = &firestorepb.StructuredAggregationQuery_Aggregation_Sum_{
				Sum: &firestorepb.StructuredAggregationQuery_Aggregation_Sum{Field: field}}
		case 1:
			a.Operator = &firestorepb.StructuredAggregationQuery_Aggregation_Avg_{
				Avg: &firestorepb.StructuredAggregationQuery_Aggregation_Avg{Field: field}}
		case 2:
			a.Operator = &firestorepb.StructuredAggregationQuery_Aggregation_Count_{
				Count: &firestorepb.StructuredAggregationQuery_Aggregation_Count{UpTo: wrapperspb.Int64(2)}}
		default:
			a.Operator = &firestorepb.StructuredAggregationQuery_Aggregation_Count_{
				Count: &firestorepb.StructuredAggregationQuery_Aggregation_Count{}}
		}
		q.Aggregations = append(q.Aggregations, a)
	}
	return q
}
