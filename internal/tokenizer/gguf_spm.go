package tokenizer

import (
	"fmt"
	"strings"
)

// ggufSPM reads a SentencePiece BPE vocabulary (tokenizer.ggml.model llama).
func (b *builder) ggufSPM(v *ggufVocab) error {
	score, ok := v.Floats("tokenizer.ggml.scores")
	if !ok || len(score) != len(v.tokens) {
		return fmt.Errorf("tokenizer.ggml.scores has %d entries for %d tokens", len(score), len(v.tokens))
	}
	b.phi3(v)
	// Files write the spaces of user-defined tokens either way. Such tokens are
	// looked for in normalised text, as SentencePiece does.
	for i := range b.added {
		if a := &b.added[i]; v.kind(int(a.id)) == typeUserDefined {
			a.normalized = true
		}
	}
	if err := b.ggufTokens(v, func(id int, token string) string {
		if v.kind(id) == typeUserDefined {
			return strings.ReplaceAll(token, " ", blank)
		}
		return token
	}); err != nil {
		return err
	}
	prefix, ok := v.Bool("tokenizer.ggml.add_space_prefix")
	prefix = prefix || !ok
	var norm normalisers
	if squeeze, _ := v.Bool("tokenizer.ggml.remove_extra_whitespaces"); squeeze {
		norm = append(norm, squeezer{})
	}
	if prefix {
		norm = append(norm, prepender(blank))
	}
	b.t.norm = append(norm, replacer{" ", blank})
	b.t.decoder = decoding{blank: blank, fallback: true}
	if prefix {
		b.t.decoder.strip = 1
	}
	ranks, err := newScores(b.t.vocab, score, func(id int) bool {
		kind := v.kind(id)
		return kind != typeNormal && kind != typeUserDefined
	})
	if err != nil {
		return err
	}
	b.bpe(ranks, bpeOptions{unk: b.t.special.unk, fuseUnk: true, byteFallback: true})
	b.ggufTemplate(v, true, false)
	return nil
}

// phi3 restores what GGUF files cannot say: in Phi-3's tokenizer.json control
// tokens take the white space after them along, all but three. llama.cpp has
// the same rule (llama-vocab.cpp, per token attributes).
func (b *builder) phi3(v *ggufVocab) {
	if arch, _ := v.String("general.architecture"); arch != "phi3" {
		return
	}
	for i := range b.added {
		switch a := &b.added[i]; a.content {
		case "<unk>", "<s>", "<|endoftext|>":
		default:
			a.rstrip = a.control || a.content == "</s>"
		}
	}
}

// ggufTokens reads the vocabulary; as rewrites tokens to what the model looks up.
// Ids without a text, or not in use, count: a file may give them a meaning, as
// that of the unknown token, and the tables by id reach to them.
func (b *builder) ggufTokens(v *ggufVocab, as func(id int, token string) string) error {
	for id, token := range v.tokens {
		if token == "" || v.kind(id) == typeUnused {
			continue
		}
		if as != nil {
			token = as(id, token)
		}
		if err := addToken(b, int64(id), token); err != nil {
			return err
		}
	}
	b.tokens.size = len(v.tokens)
	return b.vocabulary()
}
