package jinja

import (
	"strings"
	"unicode/utf8"
)

// padder is center, ljust and rjust.
func padder(side string) strMethod {
	return func(st *state, s Str, a args) Value {
		b := a.bind(side+"()", 1, "width", "fillchar")
		fill := toStr(or(b[1], plain(" ")), "the fill character")
		if utf8.RuneCountInString(fill.s) != 1 {
			fail("the fill character must be exactly one character long")
		}
		return st.pad(s, toInt(b[0], 0), fill, side)
	}
}

func (st *state) pad(s Str, width int64, fill Str, side string) Str {
	missing := max(0, width-int64(utf8.RuneCountInString(s.s)))
	left, right := int64(0), missing
	switch side {
	case "rjust":
		left, right = missing, 0
	case "center": // the odd one goes left when the width is odd
		left = missing/2 + missing&width&1
		right = missing - left
	}
	out := Join(st.repeat(fill, left), s, st.repeat(fill, right))
	out.safe = s.safe
	return out
}

func zeroFill(st *state, s Str, a args) Value {
	width := toInt(a.bind("zfill()", 1, "width")[0], 0)
	sign := s.cut(0, 0)
	if strings.HasPrefix(s.s, "-") || strings.HasPrefix(s.s, "+") {
		sign, s = s.cut(0, 1), s.from(1)
	}
	return Join(sign, st.pad(s, width-int64(len(sign.s)), plain("0"), "rjust"))
}

func expandTabs(st *state, s Str, a args) Value {
	size := toInt(a.bind("expandtabs()", 0, "tabsize")[0], 8)
	st.chargeTimes(max(size, 1), int64(strings.Count(s.s, "\t")))
	column := int64(0)
	var b builder
	for i, r := range s.s {
		if r == '\t' {
			n := int64(0)
			if size > 0 {
				n = size - column%size
			}
			b.text(strings.Repeat(" ", int(n)))
			column += n
			continue
		}
		column++
		if r == '\n' || r == '\r' {
			column = 0
		}
		b.str(s.cut(i, i+runeLen(s.s[i:])))
	}
	return b.done()
}
