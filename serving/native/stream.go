package native

import (
	"slices"

	"graft/internal/chat"
	"graft/serving"
)

// stream turns the tokens of one answer into events:
//
//	token → decoder → text → stop strings → parser → text, reasoning, tool calls
type stream struct {
	decoder decoder
	markers map[int32]string // control tokens that the parser wants to see
	stops   stopFinder
	parser  *chat.Parser       // nil: all is text
	oneCall bool               // the answer ends before a second tool call
	ends    []int32            // tokens that end the answer without being part of it
	bytes   func(int32) []byte // what a token stands for; nil: tokens are not reported

	decoded int         // bytes of text decoded so far
	passed  int         // of these, past the stop strings
	tokens  []heldToken // not yet in an event

	called    bool // there was a tool call
	thinking  bool // the latest text was reasoning
	generated int  // tokens so far
	reasoning int  // of these, reasoning
}

// decoder gives the text of tokens as they come, in whole runes.
type decoder interface {
	Push(id int32) string
	Flush() string
}

// heldToken waits until the text from start to end has passed the stop strings.
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
	event := s.show(s.text(tok.ID))
	switch {
	case event.Finish != "":
	case complete:
		event = join(event, s.finish(serving.FinishStop))
	case last:
		event = join(event, s.finish(serving.FinishLength))
	}
	if s.thinking {
		s.reasoning++
	}
	return event
}

func (s *stream) text(id int32) string {
	if marker, ok := s.markers[id]; ok {
		return s.decoder.Flush() + marker
	}
	return s.decoder.Push(id)
}

// show passes text on as far as it is certain. The event has a Finish if the
// answer ends here.
func (s *stream) show(piece string) serving.Event {
	if piece != "" {
		s.decoded += len(piece)
		for i := range s.tokens {
			if s.tokens[i].end < 0 {
				s.tokens[i].end = s.decoded
			}
		}
	}
	text, found := s.stops.push(piece)
	s.passed += len(text)
	if !found {
		e := s.parse(text, false)
		e.Tokens = s.release(func(t heldToken) bool { return t.end >= 0 && t.end <= s.passed })
		return e
	}
	e := s.parse(text, true)
	e.Tokens = s.release(func(t heldToken) bool { return t.start < s.passed })
	return s.ended(e, serving.FinishStop)
}

// finish shows what was held back.
func (s *stream) finish(reason serving.FinishReason) serving.Event {
	e := s.show(s.decoder.Flush())
	if e.Finish != "" {
		return e
	}
	rest := s.stops.flush()
	s.passed += len(rest)
	e = join(e, s.parse(rest, true))
	e.Tokens = append(e.Tokens, s.release(func(heldToken) bool { return true })...)
	return s.ended(e, reason)
}

func (s *stream) ended(e serving.Event, reason serving.FinishReason) serving.Event {
	if e.Finish == "" {
		e.Finish = reason
	}
	if s.called && e.Finish == serving.FinishStop {
		e.Finish = serving.FinishToolCalls
	}
	return e
}

// parse takes tool calls and reasoning out of text; final says that none follows.
func (s *stream) parse(text string, final bool) serving.Event {
	if s.parser == nil {
		return serving.Event{Text: text}
	}
	deltas := s.parser.Push(text)
	if final {
		deltas = append(deltas, s.parser.Close()...)
	}
	var e serving.Event
	for _, d := range deltas {
		s.thinking = d.Reasoning != ""
		e.Text += d.Text
		e.Reasoning += d.Reasoning
		if d.Call == nil {
			continue
		}
		if s.oneCall && d.Call.Index > 0 {
			e.Finish = serving.FinishStop
			break
		}
		s.called = true
		e.ToolCalls = append(e.ToolCalls, serving.ToolCallDelta{Index: d.Call.Index, ID: d.Call.ID, Name: d.Call.Name, Arguments: d.Call.Arguments})
	}
	if e.Finish != "" {
		e = s.ended(e, e.Finish)
	}
	return e
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

func join(a, b serving.Event) serving.Event {
	a.Text += b.Text
	a.Reasoning += b.Reasoning
	a.Tokens = append(a.Tokens, b.Tokens...)
	a.ToolCalls = append(a.ToolCalls, b.ToolCalls...)
	a.Finish = b.Finish
	return a
}

// empty tells whether an event says nothing.
func empty(e *serving.Event) bool {
	return e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 && len(e.ToolCalls) == 0 && e.Finish == ""
}
