package tokenizer

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// folderSPM is the model part of a SentencePiece BPE tokenizer, as transformers
// converts it: scores become an ordered list of merges.
func (b *builder) folderSPM(v *ggufVocab, file object, t *Tokenizer) error {
	if squeeze, _ := v.Bool("tokenizer.ggml.remove_extra_whitespaces"); squeeze {
		return errors.New("tokenizer.ggml.remove_extra_whitespaces cannot be written into a tokenizer.json")
	}
	b.phi3(v)
	for i := range b.added {
		if a := &b.added[i]; v.kind(int(a.id)) == typeUserDefined {
			a.normalized, a.content = true, strings.ReplaceAll(a.content, " ", blank)
		}
	}
	as := func(id int, token string) string {
		if v.kind(id) == typeUserDefined {
			return strings.ReplaceAll(token, " ", blank)
		}
		return token
	}
	spaces := object{"type": "Replace", "pattern": object{"String": " "}, "content": blank}
	decoders := []object{
		{"type": "Replace", "pattern": object{"String": blank}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
	}
	file["normalizer"] = spaces
	prefix, ok := v.Bool("tokenizer.ggml.add_space_prefix")
	if prefix || !ok {
		file["normalizer"] = object{"type": "Sequence", "normalizers": []object{{"type": "Prepend", "prepend": blank}, spaces}}
		decoders = append(decoders, object{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	file["pre_tokenizer"] = nil
	file["decoder"] = object{"type": "Sequence", "decoders": decoders}
	merges, err := v.folderMerges(t)
	if err != nil {
		return err
	}
	var unk any
	if id := b.t.special.unk; id >= 0 {
		unk = v.tokens[id]
	}
	file["model"] = object{
		"type": "BPE", "dropout": nil, "unk_token": unk, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": v.folderVocab(as), "merges": merges,
	}
	return nil
}

// folderMerges lists all pairs of tokens that make a token, in the order in which
// they are merged.
func (v *ggufVocab) folderMerges(t *Tokenizer) ([][2]string, error) {
	score, _ := v.Floats("tokenizer.ggml.scores")
	ranks, err := newScores(t.vocab, score, func(id int) bool {
		kind := v.kind(id)
		return kind != typeNormal && kind != typeUserDefined
	})
	if err != nil {
		return nil, err
	}
	type ranked struct {
		rank uint64
		pair [2]string
	}
	var all []ranked
	for id, token := range t.vocab.tokens {
		if ranks.runes[id] < 2 {
			continue
		}
		for at := range token {
			if at == 0 {
				continue
			}
			left, ok := t.vocab.find(token[:at])
			right, ok2 := t.vocab.find(token[at:])
			if !ok || !ok2 || !utf8.ValidString(token) {
				continue
			}
			if rank, _, ok := ranks.merge(left, right, token); ok {
				all = append(all, ranked{rank, [2]string{token[:at], token[at:]}})
			}
		}
	}
	slices.SortFunc(all, func(x, y ranked) int { return cmp.Compare(x.rank, y.rank) })
	merges := make([][2]string, len(all))
	for i, m := range all {
		merges[i] = m.pair
	}
	return merges, nil
}
