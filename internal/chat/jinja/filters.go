package jinja

import (
	"strings"
	"unicode"
)

type filterFunc func(st *state, v Value, a args) Value

// filterTable holds Jinja's filters but for random, pprint and the HTML ones
// (filesizeformat, striptags, urlize, wordwrap, xmlattr), which no chat
// template has a use for.
var filterTable map[string]filterFunc

func init() {
	filterTable = map[string]filterFunc{
		// text
		"capitalize":  textFilter(func(s Str) Str { return capitalize(s) }),
		"lower":       textFilter(func(s Str) Str { return s.mapText(lower) }),
		"upper":       textFilter(func(s Str) Str { return s.mapText(upper) }),
		"title":       textFilter(func(s Str) Str { return s.mapText(jinjaTitle) }),
		"string":      textFilter(func(s Str) Str { return s }),
		"e":           escapeFilter,
		"escape":      escapeFilter,
		"forceescape": func(_ *state, v Value, _ args) Value { return str(v).escape() },
		"safe":        markSafe,
		"trim":        trimFilter,
		"replace":     replaceFilter,
		"indent":      indentFilter,
		"center":      centerFilter,
		"truncate":    truncateFilter,
		"wordcount":   wordCount,
		"format":      formatFilter,
		"urlencode":   urlEncode,
		"tojson":      toJSONFilter,
		// numbers
		"abs":   absFilter,
		"int":   intFilter,
		"float": floatFilter,
		"round": roundFilter,
		"sum":   sumFilter,
		// sequences and mappings
		"length":     lengthFilter,
		"count":      lengthFilter,
		"first":      firstFilter,
		"last":       lastFilter,
		"join":       joinFilter,
		"list":       listFilter,
		"reverse":    reverseFilter,
		"sort":       sortFilter,
		"unique":     uniqueFilter,
		"min":        extreme(-1),
		"max":        extreme(1),
		"batch":      batchFilter,
		"slice":      sliceFilter,
		"groupby":    groupFilter,
		"items":      itemsFilter,
		"dictsort":   dictSort,
		"map":        mapFilter,
		"select":     selector(true, false),
		"reject":     selector(false, false),
		"selectattr": selector(true, true),
		"rejectattr": selector(false, true),
		// anything
		"default": defaultFilter,
		"d":       defaultFilter,
		"attr":    attrFilter,
	}
}

func (st *state) filter(name string, v Value, a args) Value {
	f, ok := filterTable[name]
	if !ok {
		fail("no filter named %s", quote(name))
	}
	st.step(1 + weight(v)/64)
	return f(st, v, a)
}

func textFilter(f func(Str) Str) filterFunc {
	return func(st *state, v Value, a args) Value {
		a.bind("the filter", 0)
		s := softStr(v)
		st.charge(len(s.s))
		return f(s)
	}
}

// jinjaTitle capitalizes what follows a space, a hyphen or an opening bracket.
func jinjaTitle(s string) string {
	var b strings.Builder
	start := true
	for _, r := range s {
		switch {
		case isSpace(r) || strings.ContainsRune("-({[<", r):
			b.WriteRune(r)
			start = true
			continue
		case start:
			b.WriteString(upper(string(r)))
		default:
			b.WriteString(lower(string(r)))
		}
		start = false
	}
	return b.String()
}

func escapeFilter(st *state, v Value, _ args) Value {
	s := softStr(v)
	st.charge(len(s.s))
	return s.escape()
}

func markSafe(_ *state, v Value, _ args) Value {
	s := str(v)
	s.safe = true
	return s
}

func trimFilter(_ *state, v Value, a args) Value {
	return strip(softStr(v), a.bind("trim", 0, "chars")[0], true, true)
}

func replaceFilter(st *state, v Value, a args) Value {
	b := a.bind("replace", 2, "old", "new", "count")
	n := int64(-1)
	if !isNone(b[2]) {
		n = toInt(b[2], -1)
	}
	return st.replace(str(v), str(b[0]), str(b[1]), n)
}

func indentFilter(st *state, v Value, a args) Value {
	b := a.bind("indent", 0, "width", "first", "blank")
	s := toStr(v, "the text to indent")
	indent, ok := or(b[0], int64(4)).(Str)
	if !ok {
		indent = st.repeat(plain(" "), toInt(b[0], 4))
	}
	first, blank := truth(or(b[1], false)), truth(or(b[2], false))
	lines := splitLines(Join(s, plain("\n")), false)
	st.chargeTimes(int64(len(indent.s)), int64(len(lines)))
	st.charge(len(s.s))
	var out builder
	for i, l := range lines {
		if i > 0 {
			out.text("\n")
		}
		if i == 0 && first || i > 0 && (blank || l.s != "") {
			out.str(indent)
		}
		out.str(l)
	}
	done := out.done()
	done.safe = s.safe
	return done
}

func centerFilter(st *state, v Value, a args) Value {
	return st.pad(softStr(v), toInt(a.bind("center", 0, "width")[0], 80), plain(" "), "center")
}

func truncateFilter(_ *state, v Value, a args) Value {
	b := a.bind("truncate", 0, "length", "killwords", "end", "leeway")
	end := toStr(or(b[2], plain("...")), "the end")
	limit, tail := toInt(b[0], 255), lengthOf(end)
	leeway := int64(5)
	if !isNone(b[3]) {
		leeway = toInt(b[3], 5)
	}
	if limit < tail || leeway < 0 {
		fail("truncate: expected length >= %d and leeway >= 0, got %d and %d", tail, limit, leeway)
	}
	if length(v) <= limit+leeway {
		return v
	}
	cut := between(toStr(v, "the text to truncate"), nil, limit-tail)
	if !truth(or(b[1], false)) {
		cut = splitRight(cut, " ", 1)[0]
	}
	return Join(cut, end)
}

func wordCount(_ *state, v Value, _ args) Value {
	words := strings.FieldsFunc(softStr(v).s, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	return int64(len(words))
}

func formatFilter(st *state, v Value, a args) Value {
	if len(a.names) == 0 {
		return st.percent(softStr(v), newTuple(a.pos...))
	}
	if len(a.pos) > 0 {
		fail("format can't handle positional and keyword arguments at the same time")
	}
	d := NewDict(Template)
	for i, name := range a.names {
		d.set(plain(name), a.named[i])
	}
	return st.percent(softStr(v), d)
}

func urlEncode(st *state, v Value, a args) Value {
	a.bind("urlencode", 0)
	quote := func(v Value, keep string) Str {
		s := str(v)
		st.chargeTimes(3, int64(len(s.s)))
		return s.mapText(func(t string) string { return percentEncode(t, keep) })
	}
	var pairs []Value
	switch x := v.(type) {
	case *Dict:
		pairs = x.items()
	case *List:
		pairs = x.take()
	default:
		return quote(v, "/")
	}
	var out []Str
	for _, p := range pairs {
		kv := st.iterate(p)
		if len(kv) != 2 {
			fail("urlencode needs pairs, have %d values", len(kv))
		}
		space := func(s Str) Str { return st.replace(s, plain("%20"), plain("+"), -1) }
		out = append(out, Join(space(quote(kv[0], "")), plain("="), space(quote(kv[1], ""))))
	}
	return st.join(plain("&"), out)
}

func percentEncode(s, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("-_.~"+keep, c) >= 0) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func defaultFilter(_ *state, v Value, a args) Value {
	b := a.bind("default", 0, "default_value", "boolean")
	_, undefined := v.(Undefined)
	if undefined || truth(or(b[1], false)) && !truth(v) {
		return or(b[0], Str{})
	}
	return v
}

func attrFilter(_ *state, v Value, a args) Value {
	name := toStr(a.bind("attr", 1, "name")[0], "the attribute name").s
	if u, ok := v.(Undefined); ok && !strings.HasPrefix(name, "__") {
		fail("%s", u.message)
	}
	if m, ok := methodOf(v, name); ok {
		return m
	}
	return Undefined{"'" + typeName(v) + " object' has no attribute " + quote(name)}
}
