package dataset

import (
	"graft/internal/chat"
	"graft/training"
)

// Sequence is a row, or one turn of it, as tokens.
type Sequence struct {
	Line    int
	Turn    int // message that is trained; -1: all that are, or the row has no messages
	Text    string
	IDs     []int32
	Offsets [][2]int  // bytes of Text that each token stands for
	Weights []float32 // of the tokens as targets
	From    []int     // message that each token's text is of; -1: the template's own
	Roles   []string  // of the messages
	Prompt  int       // tokens before the first one that is trained
}

// Example is what is trained.
func (s *Sequence) Example() training.Example {
	return training.Example{IDs: s.IDs, Weights: s.Weights}
}

// Trained is the number of tokens with a weight.
func (s *Sequence) Trained() (n int) {
	for _, w := range s.Weights {
		if w > 0 {
			n++
		}
	}
	return n
}

// sequence takes a conversation over, nothing of it trained.
func sequence(line, turn int, t text, messages []chat.Message) *Sequence {
	s := &Sequence{Line: line, Turn: turn, Text: t.Text, IDs: t.ids, Offsets: t.offsets, Prompt: -1}
	s.Weights, s.From = make([]float32, len(t.ids)), make([]int, len(t.ids))
	for _, m := range messages {
		s.Roles = append(s.Roles, m.Role)
	}
	next := 0
	for i, o := range t.offsets {
		for next < len(t.Spans) && t.Spans[next].End <= o[0] {
			next++
		}
		s.From[i] = -1
		if next < len(t.Spans) && t.Spans[next].Start < o[1] && t.Spans[next].Start <= o[0] {
			s.From[i] = t.Spans[next].Message
		}
	}
	return s
}

// train gives tokens from start to end a weight.
func (s *Sequence) train(g stretch) {
	for i := g.start; i < g.end; i++ {
		s.Weights[i] = 1
	}
	if s.Prompt < 0 || g.start < s.Prompt {
		s.Prompt = g.start
	}
}
