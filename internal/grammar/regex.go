package grammar

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// encoding says how a code point is written: as it is, or inside a JSON string.
type encoding uint8

const (
	plainText encoding = iota
	jsonText
)

// maxRegex bounds the text of a pattern.
const maxRegex = 8192

// regex matches text that fits pattern, from beginning to end when anchored;
// otherwise, as JSON Schema has it, anywhere unless ^ and $ say more.
func (b *Builder) regex(pattern string, enc encoding, anchored bool) frag {
	if len(pattern) > maxRegex {
		b.fail("the pattern is longer than %d bytes", maxRegex)
		return b.empty()
	}
	// Perl's flags make ^ and $ anchors of the whole text, as JSON Schema has them.
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		b.fail("%w", err)
		return b.empty()
	}
	c := regexCompiler{b, enc}
	return c.anchor(re, anchored, anchored)
}

type regexCompiler struct {
	*Builder
	enc encoding
}

// anchor compiles an alternative of the whole pattern: without ^ (or $) any
// text may come before (or after) it.
func (c regexCompiler) anchor(re *syntax.Regexp, begin, end bool) frag {
	switch re.Op {
	case syntax.OpCapture:
		return c.anchor(re.Sub[0], begin, end)
	case syntax.OpAlternate:
		fs := make([]frag, len(re.Sub))
		for i, sub := range re.Sub {
			fs[i] = c.anchor(sub, begin, end)
		}
		return c.alt(fs...)
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	for len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		begin, parts = true, parts[1:]
	}
	for len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText {
		end, parts = true, parts[:len(parts)-1]
	}
	f := c.empty()
	if !begin {
		f = c.seq(f, c.anything())
	}
	for _, p := range parts {
		f = c.seq(f, c.compile(p))
	}
	if !end {
		f = c.seq(f, c.anything())
	}
	return f
}

func (c regexCompiler) anything() frag {
	return c.star(c.runes([]rune{0, unicode.MaxRune}, c.enc))
}

func (c regexCompiler) compile(re *syntax.Regexp) frag {
	if c.err != nil {
		return c.empty()
	}
	sub := func() frag { return c.compile(re.Sub[0]) }
	switch re.Op {
	case syntax.OpEmptyMatch:
		return c.empty()
	case syntax.OpLiteral:
		f := c.empty()
		for _, r := range re.Rune {
			set := []rune{r, r}
			if re.Flags&syntax.FoldCase != 0 {
				for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
					set = append(set, o, o)
				}
			}
			f = c.seq(f, c.runes(set, c.enc))
		}
		return f
	case syntax.OpCharClass:
		return c.runes(re.Rune, c.enc)
	case syntax.OpAnyChar:
		return c.runes([]rune{0, unicode.MaxRune}, c.enc)
	case syntax.OpAnyCharNotNL:
		return c.runes([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}, c.enc)
	case syntax.OpCapture:
		return sub()
	case syntax.OpStar:
		return c.star(sub())
	case syntax.OpPlus:
		return c.seq(sub(), c.star(sub()))
	case syntax.OpQuest:
		return c.optional(sub())
	case syntax.OpRepeat:
		return c.repeat(sub, re.Min, re.Max)
	case syntax.OpConcat, syntax.OpAlternate:
		fs := make([]frag, len(re.Sub))
		for i, s := range re.Sub {
			fs[i] = c.compile(s)
		}
		if re.Op == syntax.OpConcat {
			return c.seq(fs...)
		}
		return c.alt(fs...)
	}
	c.fail("pattern %q: %s is not supported here", re.String(), opName(re.Op))
	return c.empty()
}

func opName(op syntax.Op) string {
	switch op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return "an anchor inside the pattern"
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return `\b or \B`
	}
	return fmt.Sprintf("operator %v", op)
}

// runes matches one code point out of pairs [lo, hi, lo, hi, …].
func (b *Builder) runes(pairs []rune, enc encoding) frag {
	in, out := b.node(), b.node()
	var ascii byteSet
	for i := 0; i+1 < len(pairs); i += 2 {
		lo, hi := max(pairs[i], 0), min(pairs[i+1], unicode.MaxRune)
		for ; lo <= hi && lo < utf8.RuneSelf; lo++ {
			if enc == jsonText && (lo < 0x20 || lo == '"' || lo == '\\') {
				f := b.text(escapeRune(lo))
				in.eps = append(in.eps, f.in)
				f.out.eps = append(f.out.eps, out)
				continue
			}
			ascii.add(byte(lo))
		}
		// Surrogates have no UTF-8.
		if lo <= hi {
			b.utf8Range(in, out, lo, min(hi, 0xd7ff))
			b.utf8Range(in, out, max(lo, 0xe000), hi)
		}
	}
	if !ascii.empty() {
		in.bytes = append(in.bytes, byteEdge{ascii, out})
	}
	return frag{in, out}
}

func escapeRune(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '"', '\\':
		return `\` + string(r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// utf8Range adds paths for the code points lo to hi, all of more than one byte.
func (b *Builder) utf8Range(in, out *node, lo, hi rune) {
	for _, last := range []rune{0x7ff, 0xffff, unicode.MaxRune} {
		if lo > hi {
			return
		}
		if lo <= last {
			top := min(hi, last)
			b.sameLength(in, out, []byte(string(lo)), []byte(string(top)))
			lo = top + 1
		}
	}
}

// sameLength adds paths for byte strings between lo and hi of equal length,
// whose continuation bytes run over 0x80–0xbf.
func (b *Builder) sameLength(in, out *node, lo, hi []byte) {
	if len(lo) == 1 {
		var s byteSet
		s.addRange(lo[0], hi[0])
		in.bytes = append(in.bytes, byteEdge{s, out})
		return
	}
	step := func(from, to byte) *node {
		var s byteSet
		s.addRange(from, to)
		n := b.node()
		in.bytes = append(in.bytes, byteEdge{s, n})
		return n
	}
	least, most := slices.Repeat([]byte{0x80}, len(lo)-1), slices.Repeat([]byte{0xbf}, len(lo)-1)
	if lo[0] == hi[0] {
		b.sameLength(step(lo[0], lo[0]), out, lo[1:], hi[1:])
		return
	}
	first, last := lo[0], hi[0]
	if !slices.Equal(lo[1:], least) {
		b.sameLength(step(first, first), out, lo[1:], most)
		first++
	}
	if !slices.Equal(hi[1:], most) {
		b.sameLength(step(last, last), out, least, hi[1:])
		last--
	}
	if first <= last {
		b.sameLength(step(first, last), out, least, most)
	}
}

// complement returns the code points not in rs that need no escape in JSON, as pairs.
func complement(rs []rune) []rune {
	rs = append(slices.Clone(rs), '"', '\\')
	slices.Sort(rs)
	var pairs []rune
	next := rune(0x20)
	for _, r := range rs {
		if r > next {
			pairs = append(pairs, next, r-1)
		}
		next = max(next, r+1)
	}
	return append(pairs, next, unicode.MaxRune)
}

func keysOf(m map[rune][][]rune) []rune {
	var ks []rune
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
