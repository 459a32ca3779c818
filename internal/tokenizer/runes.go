package tokenizer

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// class is a set of Unicode properties that pre-tokenizers ask for.
type class uint16

const (
	letter  class = 1 << iota // L
	number                    // N
	space                     // White_Space
	mark                      // M
	upper                     // Lu Lt Lm Lo M: what may open a word in o200k
	lower                     // Ll Lm Lo M: what may go on in one
	punct                     // P
	symbol                    // S
	newline                   // CR and LF
	control                   // Cc Cf Cs Co
)

// classPages holds the classes of 256 code points each, made when first asked for.
var classPages [(unicode.MaxRune + 1) >> 8]atomic.Pointer[[256]class]

// classOf returns the properties of r; r may be -1, the end of the text.
func classOf(r rune) class {
	if uint32(r) > unicode.MaxRune {
		return 0
	}
	page := classPages[r>>8].Load()
	if page == nil {
		page = classPage(r &^ 0xff)
	}
	return page[r&0xff]
}

func classPage(first rune) *[256]class {
	page := new([256]class)
	for i := range page {
		page[i] = computeClass(first + rune(i))
	}
	classPages[first>>8].Store(page)
	return page
}

// classTables says which classes the code points of a table have; Go's tables
// and what has come since.
var classTables = []struct {
	tables  []*unicode.RangeTable
	classes class
}{
	{[]*unicode.RangeTable{unicode.Lu, unicode.Lt, newUpper}, letter | upper},
	{[]*unicode.RangeTable{unicode.Ll, newLower}, letter | lower},
	{[]*unicode.RangeTable{unicode.Lm, unicode.Lo, newModifier, newLetter}, letter | upper | lower},
	{[]*unicode.RangeTable{unicode.M, newMark}, mark | upper | lower},
	{[]*unicode.RangeTable{unicode.N, newNumber}, number},
	{[]*unicode.RangeTable{unicode.P, newPunct}, punct},
	{[]*unicode.RangeTable{unicode.S, newSymbol}, symbol},
	{[]*unicode.RangeTable{unicode.White_Space}, space},
	{[]*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Cs, unicode.Co}, control},
}

func computeClass(r rune) class {
	var c class
	for _, t := range classTables {
		if unicode.In(r, t.tables...) {
			c |= t.classes
		}
	}
	if r == '\r' || r == '\n' {
		c |= newline
	}
	return c
}

// runeAt decodes the rune at s[i:]: (-1, 0) at the end, (U+FFFD, 1) for a byte
// that is not UTF-8.
func runeAt(s string, i int) (rune, int) {
	if i >= len(s) {
		return -1, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(s[i:])
}

// classAt returns the class of the rune at s[i:] and its length; 0, 0 at the end.
func classAt(s string, i int) (class, int) {
	r, n := runeAt(s, i)
	return classOf(r), n
}

// runOf returns the end of the run of runes from i on that have any of the
// properties in want.
func runOf(s string, i int, want class) int {
	for {
		c, n := classAt(s, i)
		if c&want == 0 {
			return i
		}
		i += n
	}
}

// runWithout returns the end of the run of runes from i on that have none of
// the properties in stop.
func runWithout(s string, i int, stop class) int {
	for i < len(s) {
		c, n := classAt(s, i)
		if c&stop != 0 {
			break
		}
		i += n
	}
	return i
}
