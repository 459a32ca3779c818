package jinja

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// originTemplates use every operation on text. What they print of m comes with
// its source: FuzzTemplate starts from them.
var originTemplates = []string{
	"{{ m }}", "{{ m ~ 'a' ~ m }}", "{{ 'a' + m + 'b' }}", "{{ m * 2 }}", "{{ m[1:3] }}", "{{ m[::-1] }}", "{{ m[1] }}", "{{ m|trim }}", "{{ m.strip('x') }}", "{{ m.split('y')[0] }}", "{{ m.split()|join('-') }}", "{{ m.rsplit(' ', 1)[1] }}",
	"{{ m.splitlines() }}", "{{ m.partition('y')|join }}", "{{ m|replace('y', 'Q') }}", "{{ 'aya'|replace('y', m) }}", "{{ m.replace('', m) }}", "{{ m|upper|lower|title|capitalize }}", "{{ m.swapcase() }}", "{{ m.title() }}", "{{ m|indent(2, true) }}",
	"{{ m|center(20) }}", "{{ m.zfill(9) }}", "{{ m.ljust(9, '.') }}", "{{ m.expandtabs() }}", "{{ m|truncate(3, true, '') }}", "{{ '%s %r %5s' % (m, m, m) }}", "{{ '%(a)s' % {'a': m} }}", "{{ '{} {a!r:>9}'.format(m, a=m) }}", "{{ m|format(1) }}",
	"{{ m|e }}", "{{ (m|safe) + '<' }}", "{{ m|urlencode }}", "{{ m|list }}", "{{ m|reverse }}", "{{ m|first }}{{ m|last }}", "{{ m|sort|join }}", "{{ m|unique|join }}", "{{ m|map('upper')|join }}", "{{ m|batch(2)|list }}", "{{ m|tojson }}", "{{ [m, {m: 1}] }}",
	"{{ {'a': m}|tojson(indent=1) }}", "{{ {m: m}|dictsort }}", "{{ tools|tojson }}", "{{ tools }}", "{{ tools[0]|items|list }}", "{{ tools|string|upper }}", "{{ dict(a=m) }}", "{{ namespace(a=m) }}", "{{ m|string|default('x') }}", "{% set x %}{{ m }}!{% endset %}{{ x }}",
	"{% macro f(a) %}[{{ a }}]{{ caller() }}{% endmacro %}{% call f(m) %}{{ m }}{% endcall %}", "{% filter upper %}a{{ m }}{% endfilter %}", "{% generation %}{{ m }}{% endgeneration %}", "{{ strftime_now('%Y' + m) }}", "{{ m.removeprefix('x').removesuffix('y') }}",
	"{{ cycler(m).next() }}{{ joiner(m)() }}", "{% for k, v in messages[0]|items %}{{ k }}{{ v }}{% endfor %}", "{{ messages|map(attribute='content')|join('|') }}", "{{ messages|groupby('content') }}", "{{ m.join(['a', 'b']) }}", "{{ 'x'.join([m]) }}", "{{ m.center(9, '*') }}",
}

// TestOrigin pins down which bytes of a result come from where.
func TestOrigin(t *testing.T) {
	type part struct {
		Text   string
		Source Source
	}
	vars := func() *Dict {
		d := NewDict(Template)
		d.Set("a", Text("Abc", 5))
		d.Set("b", Text(" x-y ", 6))
		d.Set("user", plain("user"))
		v, _ := ParseJSON([]byte(`{"k": ["v", 1]}`), 8)
		d.Set("j", v)
		return d
	}
	for src, want := range map[string][]part{
		"{{ '<|' + user + '|>' + a + '<|end|>' }}": {{"<|user|>", 0}, {"Abc", 5}, {"<|end|>", 0}},
		"{{ a ~ b }}":                                       {{"Abc", 5}, {" x-y ", 6}},
		"{{ b|trim }}|{{ b.split('-')[1] }}":                {{"x-y", 6}, {"|", 0}, {"y ", 6}},
		"{{ a|replace('b', '<b>') }}":                       {{"A", 5}, {"<b>", 0}, {"c", 5}},
		"{{ '1b2'|replace('b', a) }}":                       {{"1", 0}, {"Abc", 5}, {"2", 0}},
		"{{ ('<' + a + '>')|upper }}":                       {{"<", 0}, {"ABC", 5}, {">", 0}},
		"{{ ('<' + a + '>')[1:-2] }}":                       {{"Ab", 5}},
		"{{ 'yes' if a == 'Abc' else 'no' }}":               {{"yes", 0}},
		"{{ {'Abc': '<tok>'}[a] }}":                         {{"<tok>", 0}},
		"{{ '%s: %d' % (a, 3) }}":                           {{"Abc", 5}, {": 3", 0}},
		"{{ j|tojson }}":                                    {{`{"k": ["v", 1]}`, 8}},
		"{{ {'t': j, 'c': a}|tojson }}":                     {{`{"t": `, 0}, {`{"k": ["v", 1]}`, 8}, {`, "c": "`, 0}, {"Abc", 5}, {`"}`, 0}},
		"{{ j.k[0] }}{{ j.k[1] }}":                          {{"v", 8}, {"1", 0}},
		"{{ a|length }}{{ a|e }}{{ [a] }}":                  {{"3", 0}, {"Abc", 5}, {"['", 0}, {"Abc", 5}, {"']", 0}},
		"{% set x %}<{{ a }}>{% endset %}{{ x }}":           {{"<", 0}, {"Abc", 5}, {">", 0}},
		"{% for c in a %}{{ c }}{{ ',' }}{% endfor %}":      {{"A", 5}, {",", 0}, {"b", 5}, {",", 0}, {"c", 5}, {",", 0}},
		"{{ [a, b]|join('|') }}":                            {{"Abc", 5}, {"|", 0}, {" x-y ", 6}},
		"{% macro m(t) %}({{ t }}){% endmacro %}{{ m(a) }}": {{"(", 0}, {"Abc", 5}, {")", 0}},
	} {
		out, err := render(src, vars(), Options{})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		var got []part
		at := 0
		for _, r := range out.Runs {
			if r.Start > at {
				got = append(got, part{out.Text[at:r.Start], Template})
			}
			got = append(got, part{out.Text[r.Start:r.End], r.Source})
			at = r.End
		}
		if at < len(out.Text) {
			got = append(got, part{out.Text[at:], Template})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
	}
}

// TestLimits: what is too expensive is an error of its kind, with its line.
func TestLimits(t *testing.T) {
	for src, kind := range map[string]Kind{
		"{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}":                                   Limit,
		"{% for i in range(9999) %}{% for j in range(9999) %}{{ j }}{% endfor %}{% endfor %}": Limit,
		"{{ 'a' * 99999999999 }}":       Limit,
		"{{ [1] * 99999999999 }}":       Limit,
		"{{ 'a'.center(99999999999) }}": Limit,
		"{{ range(100001) }}":           Limit,
		"{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}":                                              Limit,
		"{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}":                                               Limit,
		"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}":                                                                                         Runtime,
		"{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}":                                    Limit,
		"{% set a = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set a.x = [a.x, a.x] %}{% set a.y = [a.y, a.y] %}{% endfor %}{{ a.x == a.y }}": Limit,
		"{% set a = namespace(x={}) %}{% for i in range(99) %}{% set a.x = {1: a.x, 2: a.x} %}{% endfor %}{{ a.x|tojson }}":                             Limit,
		"{{ '%9999999d' % 1 }}":       Runtime,
		"{{ 10 ** 99999999 }}":        Runtime,
		"{{ raise_exception('no') }}": Raised,
		"{% include 'secret' %}":      Syntax,
		"{{ [].append(1) }}":          Runtime,
	} {
		_, err := render(src, NewDict(Template), Options{Limits: Limits{Bytes: 1 << 20}})
		e, ok := err.(*Error)
		if !ok || e.Kind != kind {
			t.Errorf("%s: have %v, want kind %d", src, err, kind)
		}
	}
	_, err := render("a\n{% if true %}\n\n{{ 1 + 'a' }}{% endif %}", NewDict(Template), Options{})
	if e, ok := err.(*Error); !ok || e.Line != 4 {
		t.Errorf("have %v, want an error in line 4", err)
	}
	_, err = Parse("a\n{{ 1 }}\n{% if x %}\n{{ ) }}")
	if e, ok := err.(*Error); !ok || e.Line != 4 || e.Kind != Syntax {
		t.Errorf("have %v, want a syntax error in line 4", err)
	}
}
