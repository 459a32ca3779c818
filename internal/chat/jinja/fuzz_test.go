package jinja

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// marked is a character that only the caller's data has.
const marked = "\ue123"

func fuzzVars() *Dict {
	vars := NewDict(Template)
	text := func(s string) Str { return Text(s, 7) }
	data, err := ParseJSON([]byte(`{"`+marked+`key": ["x`+marked+`", 1, {"y": "  `+marked+` Z "}], "type": "string"}`), 9)
	if err != nil {
		panic(err)
	}
	message := NewDict(Template)
	message.Set("role", plain("user"))
	message.Set("content", text(" a"+marked+"b, "+marked+"\n<c>  "))
	message.Set("tool_calls", NewList(9, data))
	vars.Set("messages", NewList(Template, message, message))
	vars.Set("tools", NewList(9, data, data))
	vars.Set("m", text("x"+marked+"y z"+marked))
	vars.Set("n", int64(3))
	vars.Set("add_generation_prompt", true)
	return vars
}

var fuzzLimits = Limits{Steps: 20_000, Bytes: 1 << 20, Output: 1 << 16, Depth: 500}

// FuzzTemplate: no template makes Parse or Render panic or exceed its limits,
// and no character of the caller comes out as the template's own.
func FuzzTemplate(f *testing.F) {
	files, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	for _, src := range originTemplates {
		f.Add(src)
	}
	for _, src := range []string{
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
		"{{ 'a' * 999999999 }}{{ [1] * 999999999 }}{{ 'a'.center(999999999) }}{{ '%999999999d' % 1 }}", "{{ 10 ** 99999999 }}{{ 2 ** 2 ** 2 ** 2 ** 9 }}",
		"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}{{ ns == ns }}", "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"{{ " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + " }}", strings.Repeat("{% if 1 %}", 300), "{{ 1" + strings.Repeat("+1", 9000) + " }}",
		"{{ loop.x }}{{ {}.a.b }}{{ ''[1:2:0] }}{{ 5 % 0 }}", "{{ x if }}", "{% raw %}{% endraw", "{#", "{{ '\\N{x}' }}",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, err := Parse(src)
		if err == nil {
			var out Output
			if out, err = c.Render(fuzzVars(), Options{Now: time.Unix(0, 0).UTC(), Limits: fuzzLimits}); err == nil {
				checkOrigin(t, src, out)
			}
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error of type %T: %v", err, err)
		}
	})
}

// checkOrigin checks that marked characters are within runs, and that the runs
// are in order.
func checkOrigin(t *testing.T, src string, out Output) {
	t.Helper()
	at := 0
	for _, r := range out.Runs {
		if r.Start < at || r.End <= r.Start || r.End > len(out.Text) {
			t.Fatalf("%q: run %v in %d bytes", src, r, len(out.Text))
		}
		at = r.End
	}
	if strings.ContainsAny(src, marked+`\`) {
		return // the template may write the character itself
	}
	for i := range out.Text {
		if !strings.HasPrefix(out.Text[i:], marked) {
			continue
		}
		covered := false
		for _, r := range out.Runs {
			covered = covered || r.Source != Template && r.Start <= i && i+len(marked) <= r.End
		}
		if !covered {
			t.Fatalf("%q: the caller's text counts as the template's at byte %d of %q", src, i, out.Text)
		}
	}
}
