package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// jsonWriter is Python's json.dumps, whose defaults put a space behind commas
// and colons.
type jsonWriter struct {
	st      *state
	out     builder
	comma   Str
	colon   Str
	indent  Str
	pretty  bool // indent was given
	ascii   bool
	sorted  bool
	charged int
}

// toJSONFilter is the tojson of transformers, which does not escape HTML.
func toJSONFilter(st *state, v Value, a args) Value {
	b := a.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	w := &jsonWriter{st: st, comma: plain(", "), colon: plain(": "),
		ascii: truth(or(b[0], false)), sorted: truth(or(b[3], false))}
	if !isNone(b[1]) {
		w.pretty, w.comma = true, plain(",")
		if s, ok := b[1].(Str); ok {
			w.indent = s
		} else {
			w.indent = st.repeat(plain(" "), toInt(b[1], 0))
		}
	}
	if !isNone(b[2]) {
		pair := st.iterate(b[2])
		if len(pair) != 2 {
			fail("separators must be a pair, have %d values", len(pair))
		}
		w.comma, w.colon = toStr(pair[0], "the item separator"), toStr(pair[1], "the key separator")
	}
	w.value(v, 0)
	return w.out.done()
}

func (w *jsonWriter) value(v Value, depth int) {
	if depth > maxDepth {
		fail("maximum recursion depth exceeded while encoding a JSON object")
	}
	w.st.step(1)
	w.st.charge(len(w.out.buf) - w.charged)
	w.charged = len(w.out.buf)
	switch x := v.(type) {
	case nil:
		w.out.text("null")
	case bool:
		w.out.text(strconv.FormatBool(x))
	case int64:
		w.out.text(strconv.FormatInt(x, 10))
	case *big.Int:
		w.out.text(x.String())
	case float64:
		w.out.text(jsonFloat(x))
	case Str:
		w.str(x)
	case *List:
		if x.shape > tupleShape {
			fail("Object of type %s is not JSON serializable", typeName(v))
		}
		w.container(x.source, "[", "]", len(x.items), depth, func(i int) { w.value(x.items[i], depth+1) })
	case *Dict:
		w.dict(x, depth)
	default:
		fail("Object of type %s is not JSON serializable", typeName(v))
	}
}

func (w *jsonWriter) container(source Source, open, end string, n, depth int, item func(i int)) {
	defer func(base Source) { w.out.base = base }(w.out.base)
	w.out.base = merge(source, w.out.base)
	w.out.text(open)
	for i := range n {
		if i > 0 {
			w.out.str(w.comma)
		}
		w.newline(depth + 1)
		item(i)
	}
	if n > 0 {
		w.newline(depth)
	}
	w.out.text(end)
}

func (w *jsonWriter) newline(depth int) {
	if !w.pretty {
		return
	}
	w.st.chargeTimes(int64(len(w.indent.s)), int64(depth))
	w.out.text("\n")
	for range depth {
		w.out.str(w.indent)
	}
}

func (w *jsonWriter) dict(d *Dict, depth int) {
	entries := d.entries
	if w.sorted {
		order := w.st.sorted(d.items(), func(v Value) Value { return v.(*List).items[0] }, false)
		entries = nil
		for _, v := range order {
			kv := v.(*List).items
			entries = append(entries, entry{kv[0], kv[1]})
		}
	}
	w.container(d.source, "{", "}", len(entries), depth, func(i int) {
		w.key(entries[i].key)
		w.out.str(w.colon)
		w.value(entries[i].value, depth+1)
	})
}

func (w *jsonWriter) key(k Value) {
	switch x := k.(type) {
	case Str:
		w.str(x)
	case nil:
		w.out.text(`"null"`)
	case bool:
		w.out.text(`"` + strconv.FormatBool(x) + `"`)
	case float64:
		w.out.text(`"` + jsonFloat(x) + `"`)
	case int64, *big.Int:
		w.out.text(`"` + str(x).s + `"`)
	default:
		fail("keys must be str, int, float, bool or None, not %s", typeName(k))
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatText(f)
}

func (w *jsonWriter) str(s Str) {
	w.out.text(`"`)
	s.segments(func(text string, kind Run) { w.out.add(jsonEscape(text, w.ascii), kind) })
	w.out.text(`"`)
}

func jsonEscape(s string, ascii bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || ascii && r >= 0x7f && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// JSON writes v as the tojson filter does. Its errors are of type *Error.
func JSON(v Value) (s Str, err error) {
	defer rescue(&err, func() int { return 0 })
	st := &state{limits: Limits{}.orDefault()}
	return toJSONFilter(st, v, args{}).(Str), nil
}
