package tokenizer

// template is what AddSpecial puts around a text.
type template struct{ before, after []int32 }

// specials are the ids that have a meaning of their own; -1: none.
type specials struct {
	bos, eos, pad, unk int32
	eog                []int32
}

// BOS is the id that begins a text, -1 if there is none.
func (t *Tokenizer) BOS() int32 { return t.special.bos }

// EOS is the id that ends a text, -1 if there is none.
func (t *Tokenizer) EOS() int32 { return t.special.eos }

// PAD is the id that fills batches up, -1 if there is none.
func (t *Tokenizer) PAD() int32 { return t.special.pad }

// UNK is the id of unknown text, -1 if there is none.
func (t *Tokenizer) UNK() int32 { return t.special.unk }

// EOG lists every id that ends a generation, in ascending order. The caller
// must not change it.
func (t *Tokenizer) EOG() []int32 { return t.special.eog }

// AddBOS says whether AddSpecial puts BOS (or CLS) before a text.
func (t *Tokenizer) AddBOS() bool { return len(t.template.before) > 0 }

// AddEOS says whether AddSpecial puts EOS (or SEP) after a text.
func (t *Tokenizer) AddEOS() bool { return len(t.template.after) > 0 }

// Size is one more than the largest id. A model's output may be wider.
func (t *Tokenizer) Size() int { return len(t.kinds) }

// IsControl says whether a token is a control token: no text of its own, such
// as BOS or the end of a turn.
func (t *Tokenizer) IsControl(id int32) bool { return t.has(id) && t.kinds[id]&isControl != 0 }

// ChatTemplate is the model's own chat template (Jinja), "" if it has none.
func (t *Tokenizer) ChatTemplate() string { return t.templates["default"] }

// Templates lists all chat templates by name; the usual one is "default". The
// caller must not change the map.
func (t *Tokenizer) Templates() map[string]string { return t.templates }

// ID returns the id of a token by its text as the vocabulary writes it, or the
// text of an added token.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.addedIDs[token]; ok {
		return id, true
	}
	if t.byteLevel {
		raw, ok := appendBytes(nil, token)
		if !ok {
			return -1, false
		}
		token = string(raw)
	}
	return t.vocab.find(token)
}
