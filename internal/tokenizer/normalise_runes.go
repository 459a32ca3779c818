package tokenizer

import (
	"strings"
	"unicode"
)

// runeMap changes runes one by one: it returns what stands in the place of r,
// and whether that is anything else than r.
type runeMap func(r rune) (string, bool)

func (m runeMap) normalise(t text, align bool) text {
	var w *rewriter
	for i := 0; i < len(t.s); {
		r, n := runeAt(t.s, i)
		s, changed := m(r)
		switch {
		case changed:
			if w == nil {
				w = rewrite(t, align)
				w.copy(0, i)
			}
			w.put(s, i, i+n)
		case w != nil:
			w.copy(i, i+n)
		}
		i += n
	}
	if w == nil {
		return t
	}
	return w.done()
}

// lowercase is Unicode's full mapping of single runes.
func lowercase(r rune) (string, bool) {
	if r == 'İ' {
		return "i\u0307", true
	}
	low, isNew := newCase[r]
	if !isNew {
		low = unicode.ToLower(r)
	}
	return string(low), low != r
}

// dropMarks takes combining marks away (StripAccents), U+1CF2 and U+1CF3 among
// them, which have become letters.
func dropMarks(r rune) (string, bool) {
	return "", classOf(r)&mark != 0 && !unicode.Is(stripKeeps, r) || r == 0x1CF2 || r == 0x1CF3
}

// nmt is SentencePiece's clean-up for translation: control characters go, and
// what is white space in some sense becomes a space.
func nmt(r rune) (string, bool) {
	switch {
	case r >= 0x01 && r <= 0x08, r == 0x0B, r >= 0x0E && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
		return "", true
	case r == 0x09, r == 0x0A, r == 0x0C, r == 0x0D, r == 0x1680, r >= 0x200B && r <= 0x200F,
		r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
		return " ", true
	}
	return "", false
}

// trimmer takes white space off the ends (Strip).
type trimmer struct{ left, right bool }

func (n trimmer) normalise(t text, _ bool) text {
	i, j := 0, len(t.s)
	if n.left {
		i = j - len(strings.TrimLeftFunc(t.s, unicode.IsSpace))
	}
	if n.right {
		j = i + len(strings.TrimRightFunc(t.s[i:], unicode.IsSpace))
	}
	return t.slice(i, j)
}

// spaceRuns replaces runs of two spaces and more (Replace with " {2,}").
type spaceRuns string

func (n spaceRuns) normalise(t text, align bool) text {
	if !strings.Contains(t.s, "  ") {
		return t
	}
	w := rewrite(t, align)
	for i := 0; i < len(t.s); {
		k := strings.Index(t.s[i:], "  ")
		if k < 0 {
			w.copy(i, len(t.s))
			break
		}
		w.copy(i, i+k)
		j := i + k
		for j < len(t.s) && t.s[j] == ' ' {
			j++
		}
		w.put(string(n), i+k, j)
		i = j
	}
	return w.done()
}
