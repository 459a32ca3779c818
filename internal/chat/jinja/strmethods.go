package jinja

import (
	"strings"
	"unicode/utf8"
)

type strMethod func(st *state, s Str, a args) Value

var strMethodTable map[string]strMethod

// strMethods are the names in strMethodTable: it cannot be used where it is
// initialised.
var strMethods = names(`strip lstrip rstrip split rsplit splitlines partition rpartition
	startswith endswith find rfind index rindex count replace removeprefix removesuffix join format
	upper lower casefold title capitalize swapcase zfill center ljust rjust expandtabs
	isdigit isdecimal isnumeric isalpha isalnum isspace isupper islower istitle isascii isidentifier`)

func init() {
	strMethodTable = map[string]strMethod{
		"strip":        stripper(true, true),
		"lstrip":       stripper(true, false),
		"rstrip":       stripper(false, true),
		"split":        splitMethod,
		"rsplit":       splitMethodRight,
		"splitlines":   splitLinesMethod,
		"partition":    partitionMethod,
		"rpartition":   partitionMethodRight,
		"startswith":   affix(strings.HasPrefix),
		"endswith":     affix(strings.HasSuffix),
		"find":         finder(strings.Index, false),
		"rfind":        finder(strings.LastIndex, false),
		"index":        finder(strings.Index, true),
		"rindex":       finder(strings.LastIndex, true),
		"count":        countMethod,
		"replace":      replaceMethod,
		"removeprefix": removePrefix,
		"removesuffix": removeSuffix,
		"join":         joinMethod,
		"format":       (*state).format,
		"upper":        mapper(upper),
		"lower":        mapper(lower),
		"casefold":     mapper(casefold),
		"title":        mapper(pythonTitle),
		"capitalize":   func(_ *state, s Str, a args) Value { a.bind("capitalize()", 0); return capitalize(s) },
		"swapcase":     mapper(swapCase),
		"zfill":        zeroFill,
		"center":       padder("center"),
		"ljust":        padder("ljust"),
		"rjust":        padder("rjust"),
		"expandtabs":   expandTabs,
	}
	for name, is := range classes {
		strMethodTable[name] = func(_ *state, s Str, a args) Value {
			a.bind(name+"()", 0)
			return is(s.s)
		}
	}
}

func (st *state) strMethod(s Str, name string, a args) Value {
	return strMethodTable[name](st, s, a)
}

// strip is Python's strip: chars is a set of characters, nil for white space.
func strip(s Str, chars Value, left, right bool) Str {
	in := isSpace
	if !isNone(chars) {
		set := map[rune]bool{}
		for _, r := range toStr(chars, "strip arg").s {
			set[r] = true
		}
		in = func(r rune) bool { return set[r] }
	}
	i, j := 0, len(s.s)
	if left {
		i = j - len(strings.TrimLeftFunc(s.s, in))
	}
	if right {
		j = i + len(strings.TrimRightFunc(s.s[i:], in))
	}
	return s.cut(i, j)
}

func stripper(left, right bool) strMethod {
	return func(_ *state, s Str, a args) Value {
		a.positional("strip()")
		return strip(s, a.bind("strip()", 0, "chars")[0], left, right)
	}
}

func affix(has func(s, part string) bool) strMethod {
	return func(_ *state, s Str, a args) Value {
		a.positional("startswith()")
		b := a.bind("startswith()", 1, "prefix", "start", "end")
		text := between(s, b[1], b[2]).s
		if l, ok := b[0].(*List); ok && l.shape == tupleShape {
			for _, v := range l.items {
				if has(text, toStr(v, "each part").s) {
					return true
				}
			}
			return false
		}
		return has(text, toStr(b[0], "first arg").s)
	}
}

// between is s[start:end] for the methods that take such a range.
func between(s Str, start, end Value) Str {
	if isNone(start) && isNone(end) {
		return s
	}
	i, j, _ := sliceBounds([3]Value{or(start, nil), or(end, nil), nil}, int64(utf8.RuneCountInString(s.s)))
	if i >= j {
		return Str{}
	}
	lo, _ := runeAt(s.s, i)
	hi, ok := runeAt(s.s, j)
	if !ok {
		hi = len(s.s)
	}
	return s.cut(lo, hi)
}

func finder(find func(s, part string) int, must bool) strMethod {
	return func(_ *state, s Str, a args) Value {
		a.positional("find()")
		b := a.bind("find()", 1, "sub", "start", "end")
		part := between(s, b[1], b[2])
		i := find(part.s, toStr(b[0], "the substring").s)
		if i < 0 {
			if must {
				fail("substring not found")
			}
			return int64(-1)
		}
		skipped := int64(0)
		if !isNone(b[1]) {
			skipped, _, _ = sliceBounds([3]Value{b[1], nil, nil}, int64(utf8.RuneCountInString(s.s)))
		}
		return skipped + int64(utf8.RuneCountInString(part.s[:i]))
	}
}

func countMethod(_ *state, s Str, a args) Value {
	a.positional("count()")
	b := a.bind("count()", 1, "sub", "start", "end")
	return int64(strings.Count(between(s, b[1], b[2]).s, toStr(b[0], "the substring").s))
}

func replaceMethod(st *state, s Str, a args) Value {
	b := a.bind("replace()", 2, "old", "new", "count")
	return st.replace(s, toStr(b[0], "replace() argument 1"), toStr(b[1], "replace() argument 2"), toInt(b[2], -1))
}

// replace puts to in place of the first n occurrences of from; n < 0: all.
func (st *state) replace(s, from, to Str, n int64) Str {
	if s.safe {
		to = to.escape()
	}
	found := int64(strings.Count(s.s, from.s)) // for an empty from, between all characters
	if n >= 0 {
		found = min(found, n)
	}
	st.chargeTimes(int64(len(to.s)), found)
	st.charge(len(s.s))
	var b builder
	at := 0
	for ; found > 0; found-- {
		i, step := strings.Index(s.s[at:], from.s), len(from.s)
		if step == 0 { // goes before the character at, which is stepped over
			i, step = 0, min(1, len(s.s)-at)*runeLen(s.s[at:])
		}
		b.str(s.cut(at, at+i))
		b.str(to)
		if from.s == "" {
			b.str(s.cut(at, at+step))
		}
		at += i + step
	}
	b.str(s.from(at))
	out := b.done()
	out.safe = s.safe
	return out
}

func removePrefix(_ *state, s Str, a args) Value {
	p := toStr(a.bind("removeprefix()", 1, "prefix")[0], "the prefix").s
	if strings.HasPrefix(s.s, p) {
		return s.from(len(p))
	}
	return s
}

func removeSuffix(_ *state, s Str, a args) Value {
	p := toStr(a.bind("removesuffix()", 1, "suffix")[0], "the suffix").s
	if strings.HasSuffix(s.s, p) {
		return s.cut(0, len(s.s)-len(p))
	}
	return s
}

func joinMethod(st *state, s Str, a args) Value {
	parts := st.iterate(a.bind("join()", 1, "iterable")[0])
	out := make([]Str, len(parts))
	for i, v := range parts {
		if s.safe {
			out[i] = softStr(v).escape()
		} else {
			out[i] = toStr(v, "each item of join()")
		}
	}
	return st.join(s, out)
}

func (st *state) join(separator Str, parts []Str) Str {
	var b builder
	for i, p := range parts {
		if i > 0 {
			st.charge(len(separator.s))
			b.str(separator)
		}
		st.charge(len(p.s))
		b.str(p)
	}
	out := b.done()
	out.safe = separator.safe
	return out
}
