package jinja

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// unequal are results that depend on Python's memory, or complex numbers.
var unequal = []string{"j)", " at 0x", " At 0x", " AT 0X", "<generator object", "<bound method", "<class ", "<built-in", "<function", "<reversed", "<list_reverse", "<Cycler", "<jinja2.", "<method-wrapper", "<range_iterator"}

// TestExpressions compares small templates with what jinja2 makes of them.
func TestExpressions(t *testing.T) {
	f, err := os.Open("testdata/expressions.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Now     string
		Vars    json.RawMessage
		Results [][2]*string
	}
	if err := json.NewDecoder(z).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse("2006-01-02T15:04:05", doc.Now)
	if err != nil {
		t.Fatal(err)
	}
	vars, err := ParseJSON(doc.Vars, Template)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
next:
	for _, r := range doc.Results {
		src, want := *r[0], r[1]
		if want != nil {
			for _, mark := range unequal {
				if strings.Contains(*want, mark) {
					continue next
				}
			}
		}
		compared++
		out, err := render(src, vars.(*Dict), Options{Now: now})
		switch {
		case err == nil && want == nil:
			t.Errorf("%s\nhave %q, want an error", src, out.Text)
		case err != nil && want != nil:
			t.Errorf("%s\nhave error %v, want %q", src, err, *want)
		case err == nil && out.Text != *want:
			t.Errorf("%s\nhave %q\nwant %q", src, out.Text, *want)
		}
	}
	t.Logf("compared %d of %d", compared, len(doc.Results))
}

func render(src string, vars *Dict, o Options) (Output, error) {
	c, err := Parse(src)
	if err != nil {
		return Output{}, err
	}
	return c.Render(vars, o)
}
