package tokenizer

import "unicode/utf8"

// wordPiece takes the longest token that a word starts with, then the longest
// that goes on with it, and so on. A word that does not come out even is one
// unknown token.
type wordPiece struct {
	starts, inner *trie // tokens that begin a word, and tokens within one without their prefix
	unk           int32
	maxRunes      int // longer words are unknown
}

func (m *wordPiece) encode(t text, out *output) {
	n := len(out.ids)
	if utf8.RuneCountInString(t.s) <= m.maxRunes && m.split(t, out) {
		return
	}
	out.ids = out.ids[:n]
	if out.want {
		out.offsets = out.offsets[:n]
	}
	out.add(m.unk, t, 0, len(t.s))
}

func (m *wordPiece) split(t text, out *output) bool {
	keys := m.starts
	for i := 0; i < len(t.s); {
		n, id := keys.longest(t.s[i:])
		if n == 0 {
			return false
		}
		out.add(id, t, i, i+n)
		i += n
		keys = m.inner
	}
	return true
}
