package serving

import "context"

// TokenEncoder is the power of backends whose encoders tell what they make of each
// token of a text, not only of the whole: BERTScore compares these.
type TokenEncoder interface {
	// EncodeTokens returns the hidden states of the tokens of each text, as the text has
	// them alone. Of models that are no encoders, and of layers that a model does not
	// have, it is ErrUnsupported.
	EncodeTokens(ctx context.Context, req *TokenStatesRequest) (*TokenStates, error)
}

// TokenStatesRequest asks for the hidden states of texts. A text may be empty: it has
// the tokens that the tokenizer adds by itself.
type TokenStatesRequest struct {
	Model string
	Texts []string
	Layer int // whose output is wanted, from 1; 0: the last
	// Truncate cuts texts that are too long, and keeps the token that ends a text,
	// instead of refusing them.
	Truncate bool
}

// TokenStates are hidden states, in the order of the texts.
type TokenStates struct {
	Texts []TextStates
	Layer int // whose output they are, from 1
	Usage Usage
}

// TextStates are the tokens of one text. Control tokens that are written out in the
// text are read as such, as in Hugging Face's tokenizers.
type TextStates struct {
	IDs     []int32     // [T]
	Strings []string    // [T] as the vocabulary writes them
	Special []bool      // [T] begin or end a text: [CLS] and [SEP], wherever they stand
	Vectors [][]float32 // [T][D] of the layer, not normalised
}
