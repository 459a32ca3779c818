package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

// ggufUnigram reads a SentencePiece unigram vocabulary (tokenizer.ggml.model t5).
func (b *builder) ggufUnigram(v *ggufVocab) error {
	score, ok := v.Floats("tokenizer.ggml.scores")
	if !ok || len(score) != len(v.tokens) {
		return fmt.Errorf("tokenizer.ggml.scores has %d entries for %d tokens", len(score), len(v.tokens))
	}
	var norm normalisers
	if data, ok := v.Ints("tokenizer.ggml.precompiled_charsmap"); ok && len(data) > 0 {
		raw := make([]byte, len(data))
		for i, x := range data {
			raw[i] = byte(x)
		}
		m, err := newCharsmap(raw)
		if err != nil {
			return err
		}
		norm = append(norm, m)
	}
	if squeeze, ok := v.Bool("tokenizer.ggml.remove_extra_whitespaces"); squeeze || !ok {
		norm = append(norm, trimmer{right: true}, spaceRuns(blank)) // as transformers converts it
	}
	if len(norm) > 0 {
		b.t.norm = norm
	}
	b.t.pre.metaspace = &metaspace{replacement: blank, prefix: prefixAlways, split: true}
	if prefix, ok := v.Bool("tokenizer.ggml.add_space_prefix"); ok && !prefix {
		b.t.pre.metaspace.prefix = prefixNever
	}
	b.t.decoder = decoding{blank: blank, openBlank: b.t.pre.metaspace.prefix != prefixNever}
	if err := b.ggufTokens(v, nil); err != nil {
		return err
	}
	wide := make([]float64, len(score))
	for i, s := range score {
		wide[i] = float64(s)
	}
	b.unigram(wide, b.t.special.unk, false)
	b.ggufTemplate(v, false, true)
	return nil
}

// ggufWordPiece reads BERT's vocabulary. GGUF files write the tokens that begin
// a word with a ▁, and those within one without their ##.
func (b *builder) ggufWordPiece(v *ggufVocab) error {
	capitals := false
	if err := b.ggufTokens(v, func(id int, token string) string {
		if v.kind(id) != typeNormal || strings.HasPrefix(token, "[") && strings.HasSuffix(token, "]") {
			return token
		}
		capitals = capitals || strings.ContainsAny(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if rest, ok := strings.CutPrefix(token, blank); ok && rest != "" {
			return rest
		}
		return "##" + token
	}); err != nil {
		return err
	}
	// Older files do not say whether the model is uncased; then its vocabulary
	// has no capitals.
	lower, ok := v.Bool("tokenizer.ggml.normalizer.lowercase")
	lower = lower || !ok && !capitals
	accents, ok := v.Bool("tokenizer.ggml.normalizer.strip_accents")
	accents = accents || !ok && lower
	b.t.norm = bertNormaliser(true, true, accents, lower)
	b.t.pre.splits = []splitter{bertWords}
	b.t.decoder = decoding{words: &wordJoin{prefix: "##", cleanup: true}}
	if b.t.special.unk < 0 {
		return errors.New("tokenizer.ggml.unknown_token_id is not there")
	}
	if id, ok := v.Uint("tokenizer.ggml.seperator_token_id"); ok && id < uint64(len(v.tokens)) { // so spelt
		b.t.special.eos = int32(id)
	}
	if err := b.wordPiece("##", b.t.vocab.tokens[b.t.special.unk], 100); err != nil {
		return err
	}
	b.ggufTemplate(v, true, true)
	return nil
}
