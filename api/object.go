package api

import (
	"fmt"
	"slices"
	"strings"
)

// decoder reads one request body. The first mistake sticks; after it every
// reader is silent, so that a handler checks once, at the end.
type decoder struct {
	strict  bool
	err     *Error
	ignored []string // with strict off: the fields that had no effect
}

// decode reads body as an object with bind, then refuses (or, with strict off,
// returns) the fields that bind did not name. Null is the same as absent.
func decode(body []byte, strict bool, bind func(o *object)) (ignored []string, err error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	d := &decoder{strict: strict}
	root := value{d: d, raw: body[skipSpace(body, 0):]}
	if root.kind() != "object" {
		return nil, badJSON("it must be an object, but is " + root.describe())
	}
	root.object(bind)
	if d.err != nil {
		return nil, d.err
	}
	return d.ignored, nil
}

func (d *decoder) fail(err *Error) {
	if d.err == nil {
		d.err = err
	}
}

// refuse is for fields that would change the answer if they were honoured.
func (d *decoder) refuse(path string, err *Error) {
	if d.strict {
		d.fail(err)
		return
	}
	d.ignored = append(d.ignored, path)
}

// object is a JSON object being read. The readers leave *dst as it was when
// the field is absent or null, and say whether it was there.
type object struct {
	d       *decoder
	path    string
	raw     []byte
	members []member
}

func (o *object) value(name string) (value, bool) {
	if o.d.err != nil {
		return value{}, false
	}
	for i := range o.members {
		if m := &o.members[i]; m.key == name {
			m.seen = true
			return value{o.d, join(o.path, name), m.raw}, m.raw[0] != 'n'
		}
	}
	return value{}, false
}

func (o *object) string(name string, dst *string) bool {
	v, ok := o.value(name)
	if ok {
		*dst = v.string()
	}
	return ok
}

func (o *object) bool(name string, dst *bool) bool {
	v, ok := o.value(name)
	if ok {
		*dst = v.bool()
	}
	return ok
}

func (o *object) integer(name string, dst *int, lo, hi int) bool {
	v, ok := o.value(name)
	if ok {
		*dst = int(v.integer(int64(lo), int64(hi)))
	}
	return ok
}

func (o *object) number(name string, dst *float32, lo, hi float64) bool {
	v, ok := o.value(name)
	if ok {
		*dst = float32(v.number(lo, hi))
	}
	return ok
}

// enum reads a string that must be one of values.
func (o *object) enum(name string, dst *string, values ...string) bool {
	v, ok := o.value(name)
	if !ok {
		return false
	}
	s := v.string()
	if o.d.err == nil && !slices.Contains(values, s) {
		o.d.fail(notOneOf(v.path, s, values))
		return true
	}
	*dst = s
	return true
}

func (o *object) object(name string, bind func(o *object)) bool {
	v, ok := o.value(name)
	if ok {
		v.object(bind)
	}
	return ok
}

// require fails unless the named field is there and not null.
func (o *object) require(name string) {
	if _, ok := o.value(name); !ok && o.d.err == nil {
		path := join(o.path, name)
		o.d.fail(invalid(path, "missing_required_parameter", "Missing required parameter: '%s'.", path))
	}
}

// model reads the name of the model, which must be given: there is no silent choice.
func (o *object) model(dst *string) {
	o.require("model")
	if o.string("model", dst) && *dst == "" {
		o.d.fail(invalid("model", "invalid_value", "Invalid 'model': the name is empty."))
	}
}

// accept names fields that are valid but change nothing here.
func (o *object) accept(names ...string) {
	for _, name := range names {
		o.value(name)
	}
}

// refuse names a field that graft cannot honour, and why. Values that ask for
// nothing (false, [], {}, "", 0 and those in neutral, as JSON text) pass.
func (o *object) refuse(name, why string, neutral ...string) {
	v, ok := o.value(name)
	if !ok || slices.Contains(neutral, string(v.raw)) || slices.Contains([]string{"false", "[]", "{}", `""`, "0"}, string(v.raw)) {
		return
	}
	o.d.refuse(v.path, invalid(v.path, "unsupported_parameter", "Unsupported parameter: '%s' is not supported: %s.", v.path, why))
}

func notOneOf(path, got string, values []string) *Error {
	quoted := make([]string, len(values))
	for i, s := range values {
		quoted[i] = "'" + s + "'"
	}
	list := strings.Join(quoted, ", ")
	if n := len(quoted); n > 1 {
		list = strings.Join(quoted[:n-1], ", ") + " and " + quoted[n-1]
	}
	return invalid(path, "invalid_value", "Invalid value for '%s': '%.60s'. Supported values are: %s.", path, got, list)
}

func invalid(param, code, format string, args ...any) *Error {
	return &Error{Status: 400, Type: invalidRequest, Param: param, Code: code, Message: fmt.Sprintf(format, args...)}
}
