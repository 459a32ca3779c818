package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// maxDepth bounds how deep values may be nested to be printed, compared or
// written as JSON. Python stops near 1000.
const maxDepth = 500

// maxRepr bounds the text of one value: what contains itself many times over
// would grow without end.
const maxRepr = 16 << 20

// str is Python's str(v), with the sources of its bytes.
func str(v Value) Str {
	if s, ok := v.(Str); ok {
		s.safe = false
		return s
	}
	if _, ok := v.(Undefined); ok {
		return Str{}
	}
	return repr(v)
}

// softStr is str, but a Markup stays one.
func softStr(v Value) Str {
	if s, ok := v.(Str); ok {
		return s
	}
	return str(v)
}

// repr is Python's repr(v).
func repr(v Value) Str {
	var b builder
	writeRepr(&b, v, 0)
	return b.done()
}

func writeRepr(b *builder, v Value, depth int) {
	if depth > maxDepth {
		fail("maximum recursion depth exceeded while printing a %s", typeName(v))
	}
	if len(b.buf) > maxRepr {
		exceeded("the text of a value is longer than %d bytes", maxRepr)
	}
	switch x := v.(type) {
	case nil:
		b.text("None")
	case Undefined:
		b.text("Undefined")
	case bool:
		if x {
			b.text("True")
		} else {
			b.text("False")
		}
	case int64:
		b.text(strconv.FormatInt(x, 10))
	case *big.Int:
		b.text(x.String())
	case float64:
		b.text(floatText(x))
	case Str:
		if x.safe {
			b.text("Markup(")
			defer b.text(")")
		}
		q := quoteFor(x.s)
		b.text(string(q))
		x.segments(func(text string, kind Run) { b.add(escapeRepr(text, q), kind) })
		b.text(string(q))
	case *List:
		writeListRepr(b, x, depth)
	case *Dict:
		defer func(base Source) { b.base = base }(b.base)
		b.base = merge(x.source, b.base)
		b.text("{")
		for i, e := range x.entries {
			if i > 0 {
				b.text(", ")
			}
			writeRepr(b, e.key, depth+1)
			b.text(": ")
			writeRepr(b, e.value, depth+1)
		}
		b.text("}")
	case *namespace:
		b.text("<Namespace ")
		writeRepr(b, &x.Dict, depth+1)
		b.text(">")
	case *loopState:
		b.text(fmt.Sprintf("<LoopContext %d/%d>", x.at+1, len(x.items)))
	case *macro:
		b.text("<Macro " + quote(x.node.name) + ">")
	default:
		b.text("<" + typeName(v) + ">")
	}
}

func writeListRepr(b *builder, x *List, depth int) {
	defer func(base Source) { b.base = base }(b.base)
	b.base = merge(x.source, b.base)
	open, end := "[", "]"
	switch x.shape {
	case tupleShape:
		open, end = "(", ")"
		if len(x.items) == 1 {
			end = ",)"
		}
	case rangeShape:
		b.text(x.label)
		return
	case iteratorShape:
		b.text("<generator object " + x.label + " at 0x0>")
		return
	case keysShape, valuesShape, itemsShape:
		open, end = typeName(x)+"([", "])"
	}
	b.text(open)
	for i, item := range x.items {
		if i > 0 {
			b.text(", ")
		}
		writeRepr(b, item, depth+1)
	}
	b.text(end)
}

func quote(s string) string { return repr(plain(s)).s }

func quoteFor(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

func escapeRepr(s string, quote byte) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f || r > 0x7f && r <= 0xff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// floatText is Python's repr of a float: the shortest text that reads back the
// same, with an exponent below 1e-4 and from 1e16 on.
func floatText(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case a != 0 && (a >= 1e16 || a < 1e-4):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
