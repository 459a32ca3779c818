package jinja

import (
	"regexp"
	"strconv"
	"strings"
)

// format is str.format: "{} {0} {name.field[0]!r:>10}".
func (st *state) format(s Str, a args) Value {
	f := &formatter{st: st, args: a}
	out := f.run(s, 0)
	out.safe = s.safe
	return out
}

type formatter struct {
	st    *state
	args  args
	next  int  // next automatic number
	given bool // numbers were given
}

func (f *formatter) run(s Str, depth int) Str {
	if depth > 1 {
		fail("max string recursion exceeded")
	}
	var b builder
	for at := 0; at < len(s.s); {
		rest := s.s[at:]
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			b.str(s.from(at))
			break
		}
		b.str(s.cut(at, at+i))
		at += i
		rest = rest[i:]
		if strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}") {
			b.str(s.cut(at, at+1))
			at += 2
			continue
		}
		if rest[0] == '}' {
			fail("single '}' encountered in format string")
		}
		end := fieldEnd(rest)
		if end < 0 {
			fail("expected '}' before end of string")
		}
		text := f.field(s.cut(at+1, at+end), depth)
		if s.safe {
			text = text.escape()
		}
		f.st.charge(len(text.s))
		b.str(text)
		at += end + 1
	}
	return b.done()
}

func fieldEnd(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

var fieldRE = regexp.MustCompile(`^([^!:]*)(?:!([rsa]))?(?::((?s:.*)))?$`)

func (f *formatter) field(field Str, depth int) Str {
	m := fieldRE.FindStringSubmatchIndex(field.s)
	if m == nil {
		fail("unsupported replacement field {%s}", field.s)
	}
	v := f.value(field.s[m[2]:m[3]])
	if m[4] >= 0 {
		if field.s[m[4]] == 's' {
			v = str(v)
		} else {
			v = repr(v)
		}
	}
	spec := Str{}
	if m[6] >= 0 {
		spec = f.run(field.cut(m[6], m[7]), depth+1)
	}
	return f.st.formatValue(v, spec.s)
}

var partRE = regexp.MustCompile(`^(?:\.([^.\[\]]+)|\[([^\]]+)\])`)

func (f *formatter) value(path string) Value {
	n := strings.IndexAny(path, ".[")
	first, rest := path, ""
	if n >= 0 {
		first, rest = path[:n], path[n:]
	}
	v := f.argument(first)
	for rest != "" {
		m := partRE.FindStringSubmatch(rest)
		if m == nil {
			fail("unsupported replacement field {%s}", path)
		}
		rest = rest[len(m[0]):]
		if m[1] != "" {
			v = getAttribute(v, m[1])
		} else if i, err := strconv.ParseInt(m[2], 10, 64); err == nil {
			v = getItem(v, i)
		} else {
			v = getItem(v, plain(m[2]))
		}
	}
	return v
}

func (f *formatter) argument(name string) Value {
	n, err := strconv.Atoi(name)
	switch {
	case name == "":
		if f.given {
			fail("cannot switch from manual field specification to automatic field numbering")
		}
		n = f.next
		f.next++
	case err == nil:
		if f.next > 0 {
			fail("cannot switch from automatic field numbering to manual field specification")
		}
		f.given = true
	default:
		i := indexOf(f.args.names, name)
		if i < 0 {
			fail("the format needs an argument named %s", quote(name))
		}
		return f.args.named[i]
	}
	if n < 0 || n >= len(f.args.pos) {
		fail("replacement index %d out of range for positional args", n)
	}
	return f.args.pos[n]
}

var specRE = regexp.MustCompile(`^(?s:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d*)([,_])?(?:\.(\d+))?([a-zA-Z%])?$`)

// formatValue is format(v, spec).
func (st *state) formatValue(v Value, spec string) Str {
	if spec == "" {
		return softStr(v)
	}
	m := specRE.FindStringSubmatch(spec)
	if m == nil {
		fail("invalid format specifier %s", quote(spec))
	}
	l := layout{width: int64(formatWidth(m[7])), precision: -1, alternate: m[5] != "", comma: m[8]}
	if m[2] != "" {
		l.align = m[2][0]
	}
	for _, r := range m[1] {
		l.fill = r
	}
	if m[3] == "+" || m[3] == " " {
		l.sign = m[3][0]
	}
	if m[6] != "" && l.align == 0 {
		l.fill, l.align = '0', '='
	}
	if m[9] != "" {
		l.precision = formatWidth(m[9])
	}
	if m[10] != "" {
		l.verb = m[10][0]
	}
	return st.formatLayout(v, l, spec)
}

func (st *state) formatLayout(v Value, l layout, spec string) Str {
	switch x := v.(type) {
	case Str:
		if l.verb != 0 && l.verb != 's' || l.align == '=' || l.sign != 0 {
			fail("invalid format specifier %s for a str", quote(spec))
		}
		if l.precision >= 0 {
			x = between(x, nil, int64(l.precision))
		}
		return st.place(x, l, '<')
	case float64:
		if l.verb == 0 {
			if l.precision < 0 {
				return st.place(plain(l.signed(x < 0, strings.TrimPrefix(floatText(x), "-"))), l, '>')
			}
			l.verb = 'g'
		}
	default:
		if _, ok := asBig(v); !ok {
			fail("unsupported format string passed to %s.__format__", typeName(v))
		}
		if l.verb == 0 {
			l.verb = 'd'
		}
		if l.precision >= 0 && strings.IndexByte("dxXob", l.verb) >= 0 {
			fail("precision not allowed in integer format specifier")
		}
	}
	digits, ok := l.number(v)
	if !ok {
		fail("unknown format code '%c' for object of type '%s'", l.verb, typeName(v))
	}
	return st.place(plain(digits), l, '>')
}
