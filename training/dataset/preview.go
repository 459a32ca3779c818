package dataset

// Token is one token of a preview.
type Token struct {
	ID     int32   `json:"id"`
	Text   string  `json:"text"` // where the bytes are no whole runes, U+FFFD
	Role   string  `json:"role"` // of the message that it is text of; template: the template's own
	Weight float32 `json:"weight"`
	// Boundary is start or end at the first and last token of what is trained in one
	// go, prompt at the last one before.
	Boundary string `json:"boundary,omitempty"`
}

// Preview is an example as people look at it.
type Preview struct {
	Line    int     `json:"line"`
	Turn    int     `json:"turn"` // message that is trained; -1: all that are
	Text    string  `json:"text"`
	Tokens  []Token `json:"tokens"`
	Trained int     `json:"trained_tokens"`
}

// Preview shows a sequence token by token.
func (f *Format) Preview(s *Sequence) Preview {
	p := Preview{Line: s.Line, Turn: s.Turn, Text: s.Text, Trained: s.Trained(), Tokens: make([]Token, len(s.IDs))}
	trained := func(i int) bool { return i >= 0 && i < len(s.Weights) && s.Weights[i] > 0 }
	for i, id := range s.IDs {
		raw := f.tok.Bytes(id)
		if f.tok.IsControl(id) {
			raw = []byte(f.tok.Text(id))
		}
		t := Token{ID: id, Text: string([]rune(string(raw))), Role: "template", Weight: s.Weights[i]}
		if m := s.From[i]; m >= 0 && m < len(s.Roles) {
			t.Role = s.Roles[m]
		}
		switch {
		case trained(i) && !trained(i-1):
			t.Boundary = "start"
			if !trained(i + 1) {
				t.Boundary = "start end"
			}
		case trained(i) && !trained(i+1):
			t.Boundary = "end"
		case !trained(i) && trained(i+1):
			t.Boundary = "prompt"
		}
		p.Tokens[i] = t
	}
	return p
}

// Show is the previews of a row, of either kind.
func (f *Format) Show(r *Row, o RenderOptions) ([]Preview, error) {
	var list []*Sequence
	var err error
	if r.Kind == Preference {
		list = make([]*Sequence, 2)
		list[0], list[1], err = f.Pair(r, o)
	} else {
		list, err = f.Sequences(r, o)
	}
	if err != nil {
		return nil, err
	}
	out := make([]Preview, 0, len(list))
	for _, s := range list {
		out = append(out, f.Preview(s))
	}
	return out, nil
}
