package jinja

import "strings"

func (st *state) strList(parts []Str) *List {
	st.chargeTimes(64, int64(len(parts)))
	items := make([]Value, len(parts))
	for i, p := range parts {
		items[i] = p
	}
	return newList(items)
}

func splitMethod(st *state, s Str, a args) Value {
	b := a.bind("split()", 0, "sep", "maxsplit")
	n := toInt(b[1], -1)
	if isNone(b[0]) {
		return st.strList(splitSpace(s, n))
	}
	return st.strList(split(s, separator(b[0]), n))
}

func splitMethodRight(st *state, s Str, a args) Value {
	b := a.bind("rsplit()", 0, "sep", "maxsplit")
	n := toInt(b[1], -1)
	if isNone(b[0]) {
		return st.strList(splitSpaceRight(s, n))
	}
	return st.strList(splitRight(s, separator(b[0]), n))
}

func separator(v Value) string {
	sep := toStr(v, "the separator").s
	if sep == "" {
		fail("empty separator")
	}
	return sep
}

// split cuts at most n times, from the left; n < 0: everywhere.
func split(s Str, sep string, n int64) []Str {
	var out []Str
	at := 0
	for n != 0 {
		i := strings.Index(s.s[at:], sep)
		if i < 0 {
			break
		}
		out = append(out, s.cut(at, at+i))
		at += i + len(sep)
		n--
	}
	return append(out, s.from(at))
}

func splitRight(s Str, sep string, n int64) []Str {
	var out []Str
	end := len(s.s)
	for n != 0 {
		i := strings.LastIndex(s.s[:end], sep)
		if i < 0 {
			break
		}
		out = append(out, s.cut(i+len(sep), end))
		end = i
		n--
	}
	return reversed(append(out, s.cut(0, end)))
}

func reversed[T any](l []T) []T {
	out := make([]T, len(l))
	for i, v := range l {
		out[len(l)-1-i] = v
	}
	return out
}

// splitSpace cuts at white space; the rest behind the n-th cut keeps its
// trailing space, as in Python.
func splitSpace(s Str, n int64) []Str {
	var out []Str
	at := 0
	for {
		at = len(s.s) - len(strings.TrimLeftFunc(s.s[at:], isSpace))
		if at == len(s.s) {
			return out
		}
		i := strings.IndexFunc(s.s[at:], isSpace)
		if i < 0 || n == 0 {
			return append(out, s.from(at))
		}
		out = append(out, s.cut(at, at+i))
		at += i
		n--
	}
}

func splitSpaceRight(s Str, n int64) []Str {
	var out []Str
	end := len(s.s)
	for {
		end = len(strings.TrimRightFunc(s.s[:end], isSpace))
		if end == 0 {
			return reversed(out)
		}
		i := strings.LastIndexFunc(s.s[:end], isSpace)
		if i < 0 || n == 0 {
			return reversed(append(out, s.cut(0, end)))
		}
		start := i + runeLen(s.s[i:])
		out = append(out, s.cut(start, end))
		end = i
		n--
	}
}

func splitLinesMethod(st *state, s Str, a args) Value {
	keep := truth(or(a.bind("splitlines()", 0, "keepends")[0], false))
	return st.strList(splitLines(s, keep))
}

// splitLines cuts at all of Python's line boundaries.
func splitLines(s Str, keepEnds bool) []Str {
	var out []Str
	at := 0
	for at < len(s.s) {
		i := strings.IndexAny(s.s[at:], "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			return append(out, s.from(at))
		}
		end := at + i
		next := end + runeLen(s.s[end:])
		if strings.HasPrefix(s.s[end:], "\r\n") {
			next = end + 2
		}
		if keepEnds {
			end = next
		}
		out = append(out, s.cut(at, end))
		at = next
	}
	return out
}

func partitionMethod(_ *state, s Str, a args) Value {
	sep := toStr(a.bind("partition()", 1, "sep")[0], "the separator")
	if i := strings.Index(s.s, separator(sep)); i >= 0 {
		return s.three(s.cut(0, i), sep, s.from(i+len(sep.s)))
	}
	return s.three(s, Str{}, Str{})
}

func partitionMethodRight(_ *state, s Str, a args) Value {
	sep := toStr(a.bind("rpartition()", 1, "sep")[0], "the separator")
	if i := strings.LastIndex(s.s, separator(sep)); i >= 0 {
		return s.three(s.cut(0, i), sep, s.from(i+len(sep.s)))
	}
	return s.three(Str{}, Str{}, s)
}

// three is a tuple whose strings are as safe as s.
func (s Str) three(a, b, c Str) *List {
	a.safe, b.safe, c.safe = s.safe, s.safe, s.safe
	return newTuple(a, b, c)
}
