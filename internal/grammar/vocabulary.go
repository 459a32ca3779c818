package grammar

import "sort"

// Vocabulary is a tokenizer's tokens as a trie of bytes. It is built once per
// model and shared by all grammars.
type Vocabulary struct {
	size int
	eog  []int32
	trie []trieNode
	text [][]byte // bytes of each token in the trie; nil for the others
	// controlText names the control tokens; they are not in the trie and can
	// only be read where a Literal asks for one.
	controlText map[string]int32
}

// trieNode lists its children and tokens as ranges; children of a node are
// adjacent and ascending by byte.
type trieNode struct {
	b           byte
	child, last int32   // children are trie[child:last]
	tokens      []int32 // tokens that end here
}

// Tokens is what a Vocabulary needs to know of a tokenizer.
type Tokens interface {
	Size() int
	Bytes(id int32) []byte   // what the token adds in the middle of a text
	IsControl(id int32) bool // BOS, end of turn, padding, …
	EOG() []int32            // tokens that end a generation
}

// NewVocabulary builds the trie. Tokens without bytes can never be chosen.
func NewVocabulary(t Tokens, controlText map[string]int32) *Vocabulary {
	v := &Vocabulary{size: t.Size(), eog: t.EOG(), controlText: controlText}
	eog := map[int32]bool{}
	for _, id := range v.eog {
		eog[id] = true
	}
	type entry struct {
		text string
		id   int32
	}
	entries := make([]entry, 0, v.size)
	v.text = make([][]byte, v.size)
	for id := range int32(v.size) {
		if t.IsControl(id) || eog[id] {
			continue
		}
		if text := t.Bytes(id); len(text) > 0 {
			v.text[id] = text
			entries = append(entries, entry{string(text), id})
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].text < entries[j].text })
	v.trie = append(v.trie, trieNode{})
	// Breadth first, so that the children of a node come out adjacent.
	type span struct {
		node   int32
		lo, hi int
		depth  int
	}
	queue := []span{{0, 0, len(entries), 0}}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		lo := s.lo
		for lo < s.hi && len(entries[lo].text) == s.depth {
			v.trie[s.node].tokens = append(v.trie[s.node].tokens, entries[lo].id)
			lo++
		}
		v.trie[s.node].child = int32(len(v.trie))
		for lo < s.hi {
			c := entries[lo].text[s.depth]
			hi := lo + sort.Search(s.hi-lo, func(i int) bool { return entries[lo+i].text[s.depth] > c })
			queue = append(queue, span{int32(len(v.trie)), lo, hi, s.depth + 1})
			v.trie = append(v.trie, trieNode{b: c})
			lo = hi
		}
		v.trie[s.node].last = int32(len(v.trie))
	}
	return v
}

// Size is the number of tokens, and of meaningful bits in a mask.
func (v *Vocabulary) Size() int { return v.size }

func (v *Vocabulary) textOf(id int32) []byte {
	if id < 0 || int(id) >= v.size {
		return nil
	}
	return v.text[id]
}

// maskOf returns the tokens allowed in st, one bit each; the slice belongs to
// the grammar's cache and must not be written to.
func (g *Grammar) maskOf(st *state) ([]uint64, error) {
	if st.mask != nil {
		return st.mask, nil
	}
	mask := make([]uint64, (g.vocab.size+63)/64)
	if err := g.walk(mask, 0, st); err != nil {
		return nil, err
	}
	for _, cf := range st.configs {
		for _, e := range cf.at.token {
			setBit(mask, e.id)
		}
	}
	if st.accepts {
		for _, id := range g.vocab.eog {
			setBit(mask, id)
		}
	}
	if g.maskBytes += 8 * len(mask); g.maskBytes > maxMaskBytes {
		g.reset()
	}
	st.mask = mask
	return mask, nil
}

func setBit(mask []uint64, id int32) { mask[id>>6] |= 1 << (id & 63) }

// walk sets the bits of the tokens below trie node n that st can read.
func (g *Grammar) walk(mask []uint64, n int32, st *state) error {
	t := &g.vocab.trie[n]
	for c := t.child; c < t.last; c++ {
		next, err := g.step(st, g.vocab.trie[c].b)
		if err != nil {
			return err
		}
		if next == nil {
			continue
		}
		for _, id := range g.vocab.trie[c].tokens {
			setBit(mask, id)
		}
		if g.vocab.trie[c].child < g.vocab.trie[c].last {
			if err := g.walk(mask, c, next); err != nil {
				return err
			}
		}
	}
	return nil
}
