package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// builder gathers what a file says, then makes a Tokenizer of it.
type builder struct {
	tokens    vocabBuilder // the model's own vocabulary, as the model looks it up
	plain     []int32      // byte-level: tokens that are not written in byte characters
	byteLevel bool
	added     []addedToken
	buf       []byte
	ready     func() // run when control tokens are hidden from the model

	t Tokenizer
}

func newBuilder() *builder {
	return &builder{t: Tokenizer{special: specials{bos: -1, eos: -1, pad: -1, unk: -1}}}
}

// addToken adds a token of the model's vocabulary.
func addToken[T string | []byte](b *builder, id int64, name T) error {
	if !b.byteLevel {
		return addText(&b.tokens, id, name)
	}
	var ok bool
	if b.buf, ok = appendBytes(b.buf[:0], name); ok {
		return addText(&b.tokens, id, b.buf)
	}
	b.plain = append(b.plain, int32(id))
	return addText(&b.tokens, id, name)
}

// vocabulary closes the list of tokens.
func (b *builder) vocabulary() error {
	if len(b.tokens.ends) == 0 {
		return errors.New("the vocabulary is empty")
	}
	v, err := b.tokens.build(b.plain)
	b.t.vocab = v
	return err
}

// hidden are the tokens that a model must never make of text: control tokens,
// and what byte-level text cannot spell.
func (b *builder) hidden() map[int32]bool {
	ids := map[int32]bool{}
	for _, id := range b.plain {
		ids[id] = true
	}
	for _, a := range b.added {
		if a.control {
			ids[a.id] = true
		}
	}
	return ids
}

// find looks up what a file calls a token by its written form.
func (b *builder) find(name string) (int32, bool) {
	for i := range b.added {
		if b.added[i].content == name {
			return b.added[i].id, true
		}
	}
	key, ok := b.key(name)
	if !ok {
		return -1, false
	}
	return b.t.vocab.find(key)
}

// key is how the model looks up a token that a file calls name; false if it
// never does.
func (b *builder) key(name string) (string, bool) {
	if !b.byteLevel {
		return name, true
	}
	raw, ok := appendBytes(nil, name)
	return string(raw), ok
}

// finish makes the tables that all kinds share.
func (b *builder) finish() (*Tokenizer, error) {
	t := &b.t
	size := len(t.vocab.tokens)
	slices.SortStableFunc(b.added, func(x, y addedToken) int { return cmp.Compare(x.id, y.id) })
	for _, a := range b.added {
		if a.id < 0 || a.id >= maxVocab {
			return nil, fmt.Errorf("added token %q has id %d: want 0 to %d", clip(a.content), a.id, maxVocab-1)
		}
		size = max(size, int(a.id)+1)
	}
	if err := checkSparse(size, len(b.tokens.ends)+len(b.added)); err != nil {
		return nil, err
	}
	names := make([]string, size)
	copy(names, t.vocab.tokens)
	t.kinds = make([]kind, size)
	for id, name := range names {
		if name != "" {
			t.kinds[id] |= isToken
		}
	}
	for _, id := range b.plain {
		t.kinds[id] |= isPlain
	}
	for _, a := range b.added {
		if a.normalized && t.norm != nil { // tokenizers decodes such a token to this, too
			a.content = t.norm.normalise(text{s: a.content}, false).s
		}
		names[a.id] = a.content
		t.kinds[a.id] |= isToken | isPlain
		if a.control {
			t.kinds[a.id] |= isControl
		}
		if b.byteLevel {
			if raw, ok := appendBytes(nil, a.content); ok {
				names[a.id] = string(raw)
				t.kinds[a.id] &^= isPlain
			}
		}
	}
	t.byteLevel = b.byteLevel
	if b.byteLevel {
		t.raw = names
	} else {
		t.names = names
		if t.decoder.fallback {
			for id, name := range names {
				if _, ok := byteToken(name); ok {
					t.kinds[id] |= isByte
				}
			}
		}
		t.raw = t.decoder.rawTexts(names, t.kinds)
	}
	for id := range b.hidden() {
		if int(id) < len(t.vocab.tokens) {
			t.vocab.hide(id)
		}
	}
	if b.ready != nil {
		b.ready()
	}
	return t, b.index()
}

// index sorts the added tokens into those looked for in the input and those
// looked for in normalised text.
func (b *builder) index() error {
	t := &b.t
	var direct, late []addedToken
	t.addedIDs = make(map[string]int32, len(b.added))
	for _, a := range b.added {
		t.addedIDs[a.content] = a.id
		switch {
		case a.content == "":
			return fmt.Errorf("added token %d is empty", a.id)
		case len(a.content) > maxAdded:
			return fmt.Errorf("added token %d has %d bytes, at most %d are supported", a.id, len(a.content), maxAdded)
		case a.normalized:
			late = append(late, a)
		default:
			direct = append(direct, a)
		}
	}
	t.direct = newAddedTokens(direct, func(a addedToken) string { return a.content })
	t.late = newAddedTokens(late, func(a addedToken) string {
		if t.norm == nil {
			return a.content
		}
		return t.norm.normalise(text{s: a.content}, false).s
	})
	return nil
}

// rawTexts says what each token adds in the middle of a text.
func (d *decoding) rawTexts(names []string, kinds []kind) []string {
	raw := make([]string, len(names))
	var out strings.Builder
	ends := make([]int, len(names))
	for id, name := range names {
		switch {
		case kinds[id]&isByte != 0:
			c, _ := byteToken(name)
			out.WriteByte(c)
		case d.words != nil:
			out.WriteString(d.words.later(name))
		case d.blank != "":
			for {
				i := strings.Index(name, d.blank)
				if i < 0 {
					break
				}
				out.WriteString(name[:i])
				out.WriteByte(' ')
				name = name[i+len(d.blank):]
			}
			out.WriteString(name)
		default:
			out.WriteString(name)
		}
		ends[id] = out.Len()
	}
	all, start := out.String(), 0
	for id, end := range ends {
		raw[id] = all[start:end]
		start = end
	}
	return raw
}

// byteToken reads the name of a byte token, as <0x0A>.
func byteToken(name string) (byte, bool) {
	if len(name) != 6 || name[:3] != "<0x" || name[5] != '>' {
		return 0, false
	}
	hi, lo := unhex(name[3]), unhex(name[4])
	if hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi<<4 | lo), true
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
