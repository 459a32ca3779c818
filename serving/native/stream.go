package native

import (
	"slices"

	"graft/serving"
)

// stream turns the tokens of one answer into events.
type stream struct {
	decoder decoder
	stops   stopFinder
	ends    []int32            // tokens that end the answer without being part of it
	bytes   func(int32) []byte // what a token stands for; nil: tokens are not reported

	decoded   int         // bytes of text decoded so far
	shown     int         // of these, in events
	tokens    []heldToken // not yet in an event
	generated int
}

// decoder gives the text of tokens as they come, in whole runes.
type decoder interface {
	Push(id int32) string
	Flush() string
}

// heldToken waits until the text from start to end has been shown.
type heldToken struct {
	serving.TokenLogprob
	start, end int // bytes of the answer's text; end -1: not known yet
}

// push takes the next token; last says that no other may follow, complete that
// the constraint is fulfilled and allows no more. The event is empty while
// everything is held back.
func (s *stream) push(tok serving.TokenLogprob, last, complete bool) serving.Event {
	s.generated++
	if slices.Contains(s.ends, tok.ID) {
		return s.finish(serving.FinishStop)
	}
	if s.bytes != nil {
		tok.Bytes = s.bytes(tok.ID)
		for i := range tok.Top {
			tok.Top[i].Bytes = s.bytes(tok.Top[i].ID)
		}
		s.tokens = append(s.tokens, heldToken{tok, s.decoded, -1})
	}
	event, found := s.show(s.decoder.Push(tok.ID))
	switch {
	case found:
	case complete:
		event = join(event, s.finish(serving.FinishStop))
	case last:
		event = join(event, s.finish(serving.FinishLength))
	}
	return event
}

// show passes text through the stop strings.
func (s *stream) show(piece string) (e serving.Event, found bool) {
	if piece != "" {
		s.decoded += len(piece)
		for i := range s.tokens {
			if s.tokens[i].end < 0 {
				s.tokens[i].end = s.decoded
			}
		}
	}
	e.Text, found = s.stops.push(piece)
	s.shown += len(e.Text)
	if !found {
		e.Tokens = s.release(func(t heldToken) bool { return t.end >= 0 && t.end <= s.shown })
		return e, false
	}
	e.Tokens = s.release(func(t heldToken) bool { return t.start < s.shown })
	e.Finish = serving.FinishStop
	return e, true
}

// release takes the tokens out of s up to the first that is not to go.
func (s *stream) release(goes func(heldToken) bool) []serving.TokenLogprob {
	var out []serving.TokenLogprob
	n := 0
	for ; n < len(s.tokens) && goes(s.tokens[n]); n++ {
		out = append(out, s.tokens[n].TokenLogprob)
	}
	s.tokens = slices.Delete(s.tokens, 0, n)
	return out
}

// finish shows what was held back.
func (s *stream) finish(reason serving.FinishReason) serving.Event {
	e, found := s.show(s.decoder.Flush())
	if found {
		return e
	}
	rest := s.stops.flush()
	s.shown += len(rest)
	return join(e, serving.Event{Text: rest, Tokens: s.release(func(heldToken) bool { return true }), Finish: reason})
}

func join(a, b serving.Event) serving.Event {
	a.Text += b.Text
	a.Tokens = append(a.Tokens, b.Tokens...)
	a.Finish = b.Finish
	return a
}

// empty tells whether an event says nothing.
func empty(e *serving.Event) bool {
	return e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 && len(e.ToolCalls) == 0 && e.Finish == ""
}
