package native

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/serving"
)

// The wanted values stand in tokenizer_config.json and tokenizer.json of testdata; BERT begins
// and ends a text with [CLS] and [SEP].
func TestTokenizerInfo(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	const class = "PreTrainedTokenizerFast"
	for id, want := range map[string]serving.TokenizerInfo{
		"tiny":     {Class: class, EOS: "<|im_end|>", PAD: "<|endoftext|>", Vocab: 480},
		"tinybert": {Class: class, BOS: "[CLS]", EOS: "[SEP]", PAD: "[PAD]", UNK: "[UNK]", AddBOS: true, AddEOS: true, Vocab: 109},
	} {
		got, err := b.TokenizerInfo(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", id, diff)
		}
	}
	if _, err := b.TokenizerInfo(t.Context(), "none"); !errors.Is(err, serving.ErrModelNotFound) {
		t.Error(err)
	}
}
