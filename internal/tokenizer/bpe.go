package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a piece starts as single bytes (byte-level) or
// characters, and the pair of neighbours that ranks first is merged until none
// ranks at all; of equals the leftmost goes first.
type bpe struct {
	vocab        *vocab
	ranks        ranker
	cache        *pieceCache
	bytes        *[256]int32 // byte-level: the token of each byte, -1 where there is none
	fallback     *[256]int32 // else the tokens <0x00> to <0xFF>; nil without byte fallback
	ascii        [utf8.RuneSelf]int32
	unk          int32 // -1: what has no token is dropped
	fuseUnk      bool  // a run of unknown characters is one unknown token
	ignoreMerges bool  // a piece that is a token is that token
	breaks       *wordBreaks
}

// ranker orders merges.
type ranker interface {
	// merge ranks the pair of tokens a and b, whose texts together are joined.
	// A lower rank goes first.
	merge(a, b int32, joined string) (rank uint64, id int32, ok bool)
}

// init fills in what is derived.
func (m *bpe) init() {
	m.cache = newPieceCache()
	for c := range m.ascii {
		m.ascii[c], _ = m.vocab.find(string(rune(c)))
	}
}

func (m *bpe) encode(t text, out *output) {
	if m.breaks == nil {
		m.piece(t, out)
		return
	}
	for i := 0; i < len(t.s); {
		j := m.breaks.next(t.s, i)
		m.piece(t.slice(i, j), out)
		i = j
	}
}

// piece encodes a stretch that no merge leaves, from the cache if it can.
func (m *bpe) piece(t text, out *output) {
	if m.ignoreMerges {
		if id, ok := m.vocab.find(t.s); ok {
			out.add(id, t, 0, len(t.s))
			return
		}
	}
	cached := !out.want && len(t.s) <= maxCachedPiece
	hash := uint64(0)
	if cached {
		hash = m.cache.hash(t.s)
		if ids, ok := m.cache.get(hash, t.s); ok {
			out.ids = append(out.ids, ids...)
			return
		}
	}
	w := wordPool.Get().(*word)
	if m.bytes != nil {
		m.splitBytes(w, t.s)
	} else {
		m.splitRunes(w, t.s)
	}
	w.merge(m.ranks, t.s)
	n := len(out.ids)
	for i := range w.syms {
		out.add(w.syms[i].id, t, int(w.syms[i].start), int(w.syms[i].end))
	}
	w.release()
	if cached {
		m.cache.put(hash, t.s, out.ids[n:])
	}
}

// splitBytes starts a byte-level piece. Bytes without a token are dropped.
func (m *bpe) splitBytes(w *word, s string) {
	w.syms = slices.Grow(w.syms, len(s))
	for i := range len(s) {
		if id := m.bytes[s[i]]; id >= 0 {
			w.add(id, i, i+1)
		}
	}
}

// splitRunes starts a piece of characters. Those without a token become bytes,
// else the unknown token.
func (m *bpe) splitRunes(w *word, s string) {
	w.syms = slices.Grow(w.syms, utf8.RuneCountInString(s))
	unknown := false // the last symbol is the unknown token
	for i, n := 0, 0; i < len(s); i += n {
		var id int32
		if s[i] < utf8.RuneSelf {
			n, id = 1, m.ascii[s[i]]
		} else {
			_, n = utf8.DecodeRuneInString(s[i:])
			id, _ = m.vocab.find(s[i : i+n])
		}
		switch {
		case id >= 0:
			w.add(id, i, i+n)
			unknown = false
		case m.hasBytes(s[i : i+n]):
			for k := i; k < i+n; k++ {
				w.add(m.fallback[s[k]], k, k+1)
			}
			unknown = false
		case unknown && m.fuseUnk:
			w.syms[len(w.syms)-1].end = int32(i + n)
		case m.unk >= 0:
			w.add(m.unk, i, i+n)
			unknown = true
		}
	}
}

func (m *bpe) hasBytes(s string) bool {
	if m.fallback == nil {
		return false
	}
	for i := range len(s) {
		if m.fallback[s[i]] < 0 {
			return false
		}
	}
	return true
}
