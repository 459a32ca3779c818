package dataset

import (
	"slices"

	"graft/internal/tokenizer"
)

// control finds the texts of control tokens in other texts.
type control struct {
	texts   map[string]bool
	lengths []int     // of texts, longest first
	first   [256]bool // bytes that they begin with
}

func controlTokens(tok *tokenizer.Tokenizer) *control {
	c := &control{texts: map[string]bool{}}
	for id := range int32(tok.Size()) {
		if s := tok.Text(id); tok.IsControl(id) && len(s) > 1 {
			c.texts[s], c.first[s[0]] = true, true
			c.lengths = append(c.lengths, len(s))
		}
	}
	slices.Sort(c.lengths)
	c.lengths = slices.Compact(c.lengths)
	slices.Reverse(c.lengths)
	return c
}

// find is the first control token written out in s, "" for none.
func (c *control) find(s string) string {
	for i := range len(s) {
		if !c.first[s[i]] {
			continue
		}
		for _, n := range c.lengths {
			if i+n <= len(s) && c.texts[s[i:i+n]] {
				return s[i : i+n]
			}
		}
	}
	return ""
}
