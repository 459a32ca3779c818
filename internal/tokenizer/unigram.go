package tokenizer

import (
	"math"
	"sync"
)

// unigram finds the division of a piece into tokens whose scores add up to the
// most (Viterbi). A character that is no token of its own may also be unknown,
// at unkPenalty below the worst score. Ties go to the division found first.
type unigram struct {
	keys     *trie
	vocab    *vocab
	score    []float64 // by id
	unk      int32     // -1: there is no unknown token
	unkScore float64
	fallback *[256]int32 // the tokens <0x00> to <0xFF>; nil without byte fallback
}

const unkPenalty = 10 // as SentencePiece (unigram_model.cc, kUnkPenalty)

// node is the best division of the text before it.
type node struct {
	score float64
	start int32 // of its last token; -1: not reached
	id    int32
}

var latticePool = sync.Pool{New: func() any { return new([]node) }}

func (m *unigram) encode(t text, out *output) {
	pooled := latticePool.Get().(*[]node)
	best := m.lattice((*pooled)[:0], t.s)
	m.trace(best, t, out)
	if cap(best) <= keepWord {
		*pooled = best
		latticePool.Put(pooled)
	}
}

// lattice fills in the best division up to each byte of s.
func (m *unigram) lattice(best []node, s string) []node {
	for range len(s) + 1 {
		best = append(best, node{start: -1})
	}
	best[0].start = 0
	for i := 0; i < len(s); {
		_, size := runeAt(s, i)
		single := false
		for j, at := i, int32(0); j < len(s); j++ {
			if at = m.keys.child(at, s[j]); at < 0 {
				break
			}
			id := m.keys.nodes[at].value
			if id < 0 {
				continue
			}
			if j+1-i == size {
				single = true
			}
			best[j+1].offer(best[i].score+m.score[id], i, id)
		}
		if !single {
			best[i+size].offer(best[i].score+m.unkScore, i, m.unk)
		}
		i += size
	}
	return best
}

func (n *node) offer(score float64, start int, id int32) {
	if n.start < 0 || score > n.score {
		*n = node{score, int32(start), id}
	}
}

// trace appends the tokens of the best division; neighbouring unknown
// characters are taken together. The parts, found from the last to the first,
// are kept at the end of best: there are never more than bytes passed.
func (m *unigram) trace(best []node, t text, out *output) {
	first := len(best)
	for end := int32(len(t.s)); end > 0; {
		part := best[end]
		for part.id == m.unk && part.start > 0 && best[part.start].id == m.unk {
			part.start = best[part.start].start
		}
		first--
		best[first] = part
		end = part.start
	}
	parts := best[first:]
	for i, part := range parts {
		end := len(t.s)
		if i+1 < len(parts) {
			end = int(parts[i+1].start)
		}
		m.emit(t, int(part.start), end, part.id, out)
	}
}

func (m *unigram) emit(t text, start, end int, id int32, out *output) {
	if id != m.unk {
		out.add(id, t, start, end)
		return
	}
	if id, ok := m.vocab.find(t.s[start:end]); ok {
		out.add(id, t, start, end)
		return
	}
	if m.fallback != nil && m.hasBytes(t.s[start:end]) {
		for k := start; k < end; k++ {
			out.add(m.fallback[t.s[k]], t, k, k+1)
		}
		return
	}
	if m.unk >= 0 {
		out.add(m.unk, t, start, end)
	}
}

func (m *unigram) hasBytes(s string) bool {
	for i := range len(s) {
		if m.fallback[s[i]] < 0 {
			return false
		}
	}
	return true
}

// newUnigram makes the model; hidden tokens are left out of it.
func newUnigram(v *vocab, score []float64, unk int32, fallback *[256]int32, hidden map[int32]bool) *unigram {
	worst := math.Inf(1)
	var keys []trieKey
	for id, token := range v.tokens {
		if token == "" {
			continue
		}
		worst = min(worst, score[id])
		if !hidden[int32(id)] {
			keys = append(keys, trieKey{token, int32(id)})
		}
	}
	return &unigram{keys: newTrie(keys), vocab: v, score: score, unk: unk, unkScore: worst - unkPenalty, fallback: fallback}
}
