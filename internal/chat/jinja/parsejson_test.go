package jinja

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzParseJSON: what is valid JSON is read, and written again as the same
// value; nothing else is read.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{
		`{"b": [1, 2.5, -0, 1e400, "é\u00e9\ud83d\ude00\ud800"], "a": {"b": null, "b": true}}`, `[]`, `{}`, `"x"`, `12345678901234567890`,
		`{"a": 1`, `[1,]`, `1 2`, ``, `nul`, strings.Repeat("[", 600), "\"\xff\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseJSON([]byte(s), 3)
		valid := json.Valid([]byte(s))
		if err != nil && valid && strings.Count(s, "[")+strings.Count(s, "{") <= maxDepth && len(s) < 4000 {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && !valid {
			t.Fatalf("%q is not JSON, but was read as %s", s, repr(v).s)
		}
		if err != nil {
			return
		}
		out, err := JSON(v)
		if err != nil {
			t.Fatal(err)
		}
		var want, have any
		if json.Unmarshal([]byte(s), &want) != nil {
			return // a number too large for Go
		}
		if err := json.Unmarshal([]byte(out.s), &have); err != nil || !reflect.DeepEqual(want, have) {
			t.Fatalf("%q became %q", s, out.s)
		}
		if len(out.Runs()) != 1 && out.s != `""` && !scalar(v) {
			t.Fatalf("%q: runs %v", out.s, out.Runs())
		}
	})
}

// scalar: outside an array or object, the quotes of a string and the digits of
// a number count as the template's.
func scalar(v Value) bool {
	switch v.(type) {
	case *List, *Dict:
		return false
	}
	return true
}
