package tokenizer

import "sort"

// Tokenizer turns text into token ids and back.
type Tokenizer struct {
	model     model
	vocab     *vocab // what the model looks up
	byteLevel bool
	raw       []string // by id: the bytes a token adds in the middle of a text
	names     []string // by id: the token as written; nil if byteLevel, where raw tells
	kinds     []kind   // by id
	addedIDs  map[string]int32
	direct    *addedTokens // looked for in the input
	late      *addedTokens // looked for after normalisation
	norm      normaliser   // nil: none
	aligned   bool         // the pre-tokenizer asks where in the input a piece began
	pre       preTokenizer
	template  template
	decoder   decoding
	special   specials
	templates map[string]string // chat templates by name
}

// model finds the tokens of a piece of text.
type model interface {
	encode(t text, out *output)
}

// kind says what sort of token an id is.
type kind uint8

const (
	isToken   kind = 1 << iota // the id is in use
	isControl                  // left out of decoded text on demand
	isPlain                    // byte-level: written as it is, not in byte characters
	isByte                     // one byte, of byte fallback
)

// Span is a range of bytes of a text: from Start up to, not including, End.
type Span struct{ Start, End int }

// EncodeOptions says how a text is to be read.
type EncodeOptions struct {
	// AddSpecial puts the model's own tokens around the text (as BOS), as its
	// post-processor says.
	AddSpecial bool
	// ParseSpecial recognises control tokens written out in the text. Added
	// tokens that are ordinary text, as a run of line ends, always are.
	ParseSpecial bool
	// Literal holds ranges of the text, in order and apart, in which control
	// tokens are not recognised even with ParseSpecial: text that somebody else
	// wrote. A control token that lies in one even in part is not recognised.
	Literal []Span
}

// Encode returns the token ids of a text. The text may hold bytes that are not
// UTF-8; byte-level tokenizers keep them.
func (t *Tokenizer) Encode(text string, o EncodeOptions) []int32 {
	out := output{ids: make([]int32, 0, len(text)/3+8)}
	t.encode(text, o, &out)
	return out.ids
}

// EncodeOffsets is Encode that also returns the bytes of the text each token
// stands for, as [start, end). A token that adds no text, as BOS, has an empty
// range. Where normalisation changed the text, the range is that of the text
// the token came from, and ranges of neighbours may overlap.
func (t *Tokenizer) EncodeOffsets(text string, o EncodeOptions) ([]int32, [][2]int) {
	out := output{ids: make([]int32, 0, len(text)/3+8), want: true}
	out.offsets = make([][2]int, 0, cap(out.ids))
	t.encode(text, o, &out)
	return out.ids, out.offsets
}

func (t *Tokenizer) encode(s string, o EncodeOptions, out *output) {
	whole := text{s: s}
	if o.AddSpecial {
		for _, id := range t.template.before {
			out.add(id, whole, 0, 0)
		}
	}
	for i := 0; i < len(s); {
		tok, start, end := (*addedToken)(nil), len(s), len(s)
		if t.direct != nil {
			tok, start, end = t.direct.find(whole, i, &o)
		}
		if start > i {
			t.stretch(whole.slice(i, start), &o, out)
		}
		if tok != nil {
			out.add(tok.id, whole, start, end)
		}
		i = end
	}
	if o.AddSpecial {
		for _, id := range t.template.after {
			out.add(id, whole, len(s), len(s))
		}
	}
}

// stretch encodes what lies between two added tokens.
func (t *Tokenizer) stretch(x text, o *EncodeOptions, out *output) {
	if t.norm != nil {
		x = t.norm.normalise(x, out.want || t.aligned || t.late != nil && len(o.Literal) > 0)
	}
	for i := 0; i < len(x.s); {
		tok, start, end := (*addedToken)(nil), len(x.s), len(x.s)
		if t.late != nil {
			tok, start, end = t.late.find(x, i, o)
		}
		if start > i {
			t.pre.run(t.model, x.slice(i, start), out)
		}
		if tok != nil {
			out.add(tok.id, x, start, end)
		}
		i = end
	}
}

// permits says whether a control token may be recognised at bytes start to end
// of the input.
func (o *EncodeOptions) permits(start, end int) bool {
	if !o.ParseSpecial {
		return false
	}
	i := sort.Search(len(o.Literal), func(i int) bool { return o.Literal[i].End > start })
	for ; i < len(o.Literal) && o.Literal[i].Start < end; i++ {
		if o.Literal[i].Start < o.Literal[i].End {
			return false
		}
	}
	return true
}
