package firestore

import (
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/value"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// operation is one write of a commit, checked and ready to be applied.
type operation struct {
	name, key  string
	delete     bool
	must       precondition
	masked     bool // only the mask's fields are written
	mask       []fieldpath.Path
	sent       []byte                        // the document's fields, encoded as they came, until they are decoded
	values     map[string]*firestorepb.Value // as sent; the operation's own
	fields     wire.Fields                   // values, encoded, for a write that replaces the document and at most dates it
	transforms []transform
}

// precondition is what a document must be before a write.
type precondition struct {
	checksExists, exists bool
	checksTime           bool
	updateTime           int64 // µs
}

// parse checks a write.
func (d *database) parse(w *firestorepb.Write) (*operation, error) {
	op := &operation{}
	transforms := w.GetUpdateTransforms()
	switch o := w.GetOperation().(type) {
	case *firestorepb.Write_Update:
		if op.name, op.values = o.Update.GetName(), o.Update.GetFields(); op.values == nil {
			op.sent = sentFields(o.Update)
		}
	case *firestorepb.Write_Delete:
		op.name, op.delete = o.Delete, true
	case *firestorepb.Write_Transform:
		op.name, op.masked = o.Transform.GetDocument(), true
		if transforms = o.Transform.GetFieldTransforms(); len(transforms) == 0 {
			return nil, invalid("The list of FieldTransform must not be empty.")
		}
	default:
		return nil, invalid("empty write operation")
	}
	var err error
	if op.key, err = d.documentKey(op.name); err != nil {
		return nil, err
	}
	if err := op.parsePrecondition(w.GetCurrentDocument()); err != nil {
		return nil, err
	}
	return op, op.parseContent(w.GetUpdateMask(), transforms)
}

func (op *operation) parseContent(mask *firestorepb.DocumentMask, transforms []*firestorepb.DocumentTransform_FieldTransform) (err error) {
	switch {
	case op.delete && mask != nil:
		return invalid("a delete must not specify a document mask.")
	case op.delete && len(transforms) > 0:
		return invalid("a delete must not specify a update transform.")
	case op.delete:
		return nil
	}
	if mask != nil {
		op.masked = true
		if op.mask, err = parseMask(mask); err != nil {
			return err
		}
		op.mask = slices.DeleteFunc(op.mask, fieldpath.Path.IsName) // a document's name is what it is
		for _, path := range op.mask {
			if err := checkWritten(path); err != nil {
				return err
			}
		}
	}
	if op.transforms, err = parseTransforms(transforms); err != nil {
		return err
	}
	whole := !op.masked && !slices.ContainsFunc(op.transforms, func(t transform) bool { return !t.dates() })
	return op.parseFields(whole)
}

// parseFields checks the fields as they were sent. Those of a document that is written whole are never decoded, if they are
// of the kind that nearly all are.
func (op *operation) parseFields(whole bool) (err error) {
	if len(op.sent) > 0 {
		if whole {
			if fields, ok := wire.Plain(op.sent); ok {
				op.fields = fields
				return op.checkParsed()
			}
		}
		if op.values, err = wire.Fields(op.sent).Decode(); err != nil {
			return invalid("Document %q cannot be read.", op.name)
		}
	}
	if err := value.CheckFields(op.values, 1); err != nil {
		return refuse(err)
	}
	if !whole {
		return nil
	}
	if op.fields, err = encode(op.name, op.values); err != nil {
		return err
	}
	return op.checkParsed()
}

// checkParsed refuses a document that is too large, if it will not be dated: that can take the place of what is large.
func (op *operation) checkParsed() error {
	if len(op.transforms) > 0 {
		return nil
	}
	return checkSize(op.name, op.fields)
}

func (op *operation) parsePrecondition(p *firestorepb.Precondition) error {
	switch c := p.GetConditionType().(type) {
	case *firestorepb.Precondition_Exists:
		op.must = precondition{checksExists: true, exists: c.Exists}
	case *firestorepb.Precondition_UpdateTime:
		at, err := micros(c.UpdateTime)
		if err != nil {
			return err
		}
		op.must = precondition{checksTime: true, updateTime: at}
	}
	return nil
}

func parseMask(mask *firestorepb.DocumentMask) ([]fieldpath.Path, error) {
	paths := make([]fieldpath.Path, 0, len(mask.GetFieldPaths()))
	for _, text := range mask.GetFieldPaths() {
		path, err := fieldpath.Parse(text)
		if err != nil {
			return nil, refuse(err)
		}
		if len(path) > value.MaxDepth {
			return nil, invalid("paths must have at most %d elements", value.MaxDepth)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// checkWritten refuses to write below reserved names.
func checkWritten(path fieldpath.Path) error {
	for _, name := range path {
		if resource.Reserved(name) {
			return invalid("Invalid reserved name in field path %s", path)
		}
		if len(name) > resource.MaxID {
			return invalid("The property.name is longer than %d bytes.", resource.MaxID)
		}
	}
	return nil
}

// content is what the operation makes of a document's fields, with the results of its transforms.
func (op *operation) content(before wire.Fields, at int64) (wire.Fields, []*firestorepb.Value, error) {
	if op.fields != nil {
		return op.dated(at)
	}
	values := op.values
	if values == nil {
		values = map[string]*firestorepb.Value{}
	}
	if op.masked {
		var err error
		if values, err = before.Decode(); err != nil {
			return nil, nil, err
		}
		for _, path := range op.mask {
			copyField(values, op.values, path)
		}
	}
	results := make([]*firestorepb.Value, 0, len(op.transforms))
	for _, t := range op.transforms {
		results = append(results, t.apply(values, at))
	}
	if err := value.CheckFields(values, 1); err != nil { // what is changed piecemeal can become too deep
		return nil, nil, refuse(err)
	}
	fields, err := encode(op.name, values)
	if err != nil {
		return nil, nil, err
	}
	return fields, results, checkSize(op.name, fields)
}

// dated is what a document that is written whole becomes, with the commit's time where its transforms want it.
func (op *operation) dated(at int64) (wire.Fields, []*firestorepb.Value, error) {
	if len(op.transforms) == 0 {
		return op.fields, nil, nil
	}
	now, result := serverTime(nil, at)
	encoded, err := wire.EncodeValue(now)
	if err != nil {
		return nil, nil, err
	}
	fields, results := op.fields, make([]*firestorepb.Value, 0, len(op.transforms))
	for _, t := range op.transforms {
		fields, results = fields.With(t.path[0], encoded), append(results, result)
	}
	return fields, results, checkSize(op.name, fields)
}

// copyField makes the field at a path what it is in from: the same value, or absent.
func copyField(to, from map[string]*firestorepb.Value, path fieldpath.Path) {
	if v := lookup(from, path); v != nil {
		set(to, path, v)
	} else {
		remove(to, path)
	}
}

func lookup(fields map[string]*firestorepb.Value, path fieldpath.Path) *firestorepb.Value {
	v := fields[path[0]]
	for _, name := range path[1:] {
		v = v.GetMapValue().GetFields()[name]
	}
	return v
}

// set writes a value at a path, making maps of what is none on the way.
func set(fields map[string]*firestorepb.Value, path fieldpath.Path, v *firestorepb.Value) {
	for _, name := range path[:len(path)-1] {
		m := fields[name].GetMapValue()
		if m == nil {
			m = &firestorepb.MapValue{}
			fields[name] = &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: m}}
		}
		if m.Fields == nil {
			m.Fields = map[string]*firestorepb.Value{}
		}
		fields = m.Fields
	}
	fields[path[len(path)-1]] = v
}

func remove(fields map[string]*firestorepb.Value, path fieldpath.Path) {
	for _, name := range path[:len(path)-1] {
		if fields = fields[name].GetMapValue().GetFields(); fields == nil {
			return
		}
	}
	delete(fields, path[len(path)-1])
}

// encode encodes a document's fields. It never returns nil fields without an error.
func encode(name string, values map[string]*firestorepb.Value) (wire.Fields, error) {
	fields, err := wire.Encode(values)
	if err != nil {
		return nil, invalid("Document %q cannot be encoded.", name)
	}
	if fields == nil {
		fields = wire.Fields{}
	}
	return fields, nil
}
