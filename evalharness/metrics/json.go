package metrics

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
)

func init() {
	register(Info{Name: "json_valid", Doc: "share of answers that are JSON", Kind: Binary, Margin: .05, Scale: 1},
		func(Options) (*Metric, error) {
			return &Metric{Signature: "json_valid|graft:1|rfc:8259", Cases: each(func(p string, _ []string) float64 {
				_, ok := readJSON(p)
				return indicator(ok)
			})}, nil
		})
	register(Info{Name: "json_fields", Doc: "share of a reference's fields that the answer has with the same value", Kind: Continuous, Margin: .05, Scale: 1, Options: []string{"fields"}},
		func(o Options) (*Metric, error) {
			signature := "json_fields|graft:1|fields:"
			if len(o.Fields) == 0 {
				signature += "reference"
			}
			return &Metric{Signature: signature + strings.Join(o.Fields, ",") + "|refs:max", Cases: each(best(func(p, r string) float64 {
				return fieldAccuracy(p, r, o.Fields)
			}))}, nil
		})
}

// readJSON reads a text that is one JSON value and nothing else.
func readJSON(text string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}

// fieldAccuracy is the share of fields, or else of the reference's, whose values are
// equal; a field that neither side has is equal. Of references that are no object, or
// have no field, the whole value counts.
func fieldAccuracy(prediction, reference string, fields []string) float64 {
	p, ok := readJSON(prediction)
	if !ok {
		return 0
	}
	r, ok := readJSON(reference)
	if !ok {
		return 0
	}
	want, ok := r.(map[string]any)
	if len(fields) == 0 {
		for f := range want {
			fields = append(fields, f)
		}
	}
	if !ok || len(fields) == 0 {
		return indicator(sameJSON(p, r))
	}
	have, ok := p.(map[string]any)
	if !ok {
		return 0
	}
	var right int
	for _, f := range fields {
		a, hasA := have[f]
		b, hasB := want[f]
		if hasA == hasB && sameJSON(a, b) {
			right++
		}
	}
	return float64(right) / float64(len(fields))
}

// sameJSON compares values: numbers by value, objects without regard to order.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(string(a), string(b))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !sameJSON(v, w) {
				return false
			}
		}
		return true
	}
	return a == b // strings, true, false and null
}

// sameNumber compares whole numbers digit by digit, since floats do not have all of
// them; others as floats, as nearly all readers of JSON have them.
func sameNumber(a, b string) bool {
	whole := func(s string) bool { return !strings.ContainsAny(s, ".eE") }
	if a == b || whole(a) && whole(b) {
		return a == b || a == "-0" && b == "0" || a == "0" && b == "-0"
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
