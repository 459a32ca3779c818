package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"
)

// scores ranks merges as SentencePiece files do, which have no list of them:
// two tokens merge if their texts together are a token, and the better its
// score the sooner. Among equals transformers' conversion puts first the longer
// left token, the longer right token, the lower id
// (convert_slow_tokenizer.py, generate_merges).
type scores struct {
	vocab *vocab
	order []uint32 // by id: the place of the token's score, best first; equal scores share one
	runes []uint16 // by id: length; 0: never made by a merge
}

// maxRunes bounds the tokens that merges make.
const maxRunes = 1<<10 - 1

// newScores builds the order; never says which tokens no merge makes or uses.
func newScores(v *vocab, score []float32, never func(id int) bool) (*scores, error) {
	s := &scores{vocab: v, order: make([]uint32, len(v.tokens)), runes: make([]uint16, len(v.tokens))}
	ids := make([]int32, 0, len(v.tokens))
	for id, token := range v.tokens {
		if token == "" || never(id) {
			continue
		}
		n := utf8.RuneCountInString(token)
		if n > maxRunes {
			return nil, fmt.Errorf("token %d has %d characters, at most %d are supported", id, n, maxRunes)
		}
		if score[id] != score[id] {
			return nil, fmt.Errorf("token %d: its score is not a number", id)
		}
		s.runes[id] = uint16(n)
		ids = append(ids, int32(id))
	}
	slices.SortFunc(ids, func(a, b int32) int { return cmp.Compare(score[b], score[a]) })
	place := uint32(0)
	for i, id := range ids {
		if i > 0 && score[id] != score[ids[i-1]] {
			place++
		}
		s.order[id] = place
	}
	return s, nil
}

// merge packs place, lengths and id into one number: 22, 10, 10 and 22 bits.
func (s *scores) merge(a, b int32, joined string) (uint64, int32, bool) {
	if s.runes[a] == 0 || s.runes[b] == 0 || int(s.runes[a])+int(s.runes[b]) > maxRunes {
		return 0, -1, false
	}
	id, ok := s.vocab.find(joined)
	if !ok || s.runes[id] == 0 {
		return 0, -1, false
	}
	rank := uint64(s.order[id])<<42 | uint64(maxRunes-s.runes[a])<<32 | uint64(maxRunes-s.runes[b])<<22 | uint64(id)
	return rank, id, true
}
