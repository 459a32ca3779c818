package dataset

import (
	"errors"
	"fmt"

	"graft/internal/chat"
	"graft/internal/tokenizer"
)

// fault is a problem of a row whose line its caller knows.
type fault struct{ field, code, text, fix string }

func (e *fault) Error() string { return Problem{Field: e.field, Text: e.text, Fix: e.fix}.String() }

// AsProblem is what an error of a Format means for a line.
func AsProblem(file string, line int, err error) Problem {
	var e *fault
	if !errors.As(err, &e) {
		return Problem{File: file, Line: line, Code: "error", Text: err.Error()}
	}
	return Problem{file, line, e.field, e.code, e.text, e.fix}
}

func wrong(field, code, fix, format string, args ...any) error {
	return &fault{field, code, fmt.Sprintf(format, args...), fix}
}

// RenderOptions say what is trained.
type RenderOptions struct {
	// EmptyThinking trains the empty block of reasoning that some templates write
	// before an answer without reasoning. Else the model is given it.
	EmptyThinking bool
	// ControlText allows the texts of control tokens in messages; they are read as
	// ordinary text.
	ControlText bool
}

// maxWork bounds the text that is written for one row, in bytes: each trained turn is
// written with all that is before it.
const maxWork = 256 << 20

// Sequences writes a row of conversation or completion as it is trained: all trained
// turns in one sequence where the template shows each one and what is before it as
// when it is served, else a sequence for each. An error is of the row.
func (f *Format) Sequences(r *Row, o RenderOptions) ([]*Sequence, error) {
	switch r.Kind {
	case Completion:
		s, err := f.completion(r, o)
		return []*Sequence{s}, err
	case Preference:
		return nil, wrong("", "preference", "use method dpo", "is a preference row, which supervised training cannot use")
	}
	if err := f.usable(r.Messages, "messages", o); err != nil {
		return nil, err
	}
	var turns []int
	for i, w := range r.Weights {
		if w > 0 {
			turns = append(turns, i)
		}
	}
	if len(turns) == 0 {
		return nil, wrong("messages", "nothing_trained", "set one to 1, or remove the row", "no message is trained: all weights are 0")
	}
	size := 0
	for _, m := range r.Messages {
		size += len(Text(m))
	}
	if size*len(turns) > maxWork {
		return nil, wrong("messages", "too_long", "split the conversation, or give most messages a weight of 0", "has %d turns to train, of %d bytes", len(turns), size)
	}
	if len(turns) > 1 {
		s, err := f.together(r, turns, o)
		if err == nil {
			return []*Sequence{s}, nil
		}
	}
	var out []*Sequence
	for _, k := range turns {
		s, err := f.turn(r.Line, r.Messages[:k+1], r.Tools, o)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Pair writes a preference row: what is preferred, and what is not.
func (f *Format) Pair(r *Row, o RenderOptions) (chosen, rejected *Sequence, err error) {
	if r.Kind != Preference {
		return nil, nil, wrong("", "no_preference", "give input, preferred_output and non_preferred_output", "is a %s row, want a preference row", r.Kind)
	}
	if err := f.usable(r.Messages, "input.messages", o); err != nil {
		return nil, nil, err
	}
	sides := [2]*Sequence{}
	for i, answer := range [][]chat.Message{r.Preferred, r.Rejected} {
		field := []string{"preferred_output", "non_preferred_output"}[i]
		if err := f.usable(answer, field, o); err != nil {
			return nil, nil, err
		}
		all := append(r.Messages[:len(r.Messages):len(r.Messages)], answer...)
		if sides[i], err = f.turn(r.Line, all, r.Tools, o); err != nil {
			var e *fault
			if errors.As(err, &e) {
				e.field = field
			}
			return nil, nil, err
		}
	}
	return sides[0], sides[1], nil
}

// usable looks for what the template cannot be given.
func (f *Format) usable(messages []chat.Message, path string, o RenderOptions) error {
	if f.template == nil {
		return wrong(path, "no_chat_template", "give a model that has one, or rows of prompt and completion", "the model cannot take conversations: %v", f.why)
	}
	if o.ControlText {
		return nil
	}
	for i, m := range messages {
		if s := f.control.find(Text(m)); s != "" {
			return wrong(fmt.Sprintf("%s[%d].content", path, i), "special_token",
				"remove it: the chat template writes the tokens around a message", "has the text of the control token %s", s)
		}
	}
	return nil
}

// turn is a conversation whose last message is trained.
func (f *Format) turn(line int, messages []chat.Message, tools []chat.Tool, o RenderOptions) (*Sequence, error) {
	k := len(messages) - 1
	whole, err := f.whole(messages, tools)
	if err != nil {
		return nil, refused(err)
	}
	whole = f.closed(whole, k)
	g, err := f.find(&whole, k, messages, tools, o)
	if err != nil {
		return nil, err
	}
	s := sequence(line, k, whole, messages)
	s.train(g)
	return s, nil
}

// together is a conversation with several trained turns. Its error tells where one of
// them is not shown as it is served.
func (f *Format) together(r *Row, turns []int, o RenderOptions) (*Sequence, error) {
	last := turns[len(turns)-1]
	messages := r.Messages[:last+1]
	whole, err := f.whole(messages, r.Tools)
	if err != nil {
		return nil, refused(err)
	}
	whole = f.closed(whole, last)
	s := sequence(r.Line, -1, whole, messages)
	for _, k := range turns {
		g, err := f.find(&whole, k, messages, r.Tools, o)
		if err != nil {
			return nil, err
		}
		alone, err := f.render(messages[:k+1], r.Tools, false)
		if err != nil {
			return nil, err
		}
		if end := min(whole.offsets[g.end-1][1], len(whole.Text)); k < last && (len(alone.Text) < end || alone.Text[:end] != whole.Text[:end]) {
			return nil, errors.New("the turn is shown otherwise when it is the last")
		}
		s.train(g)
	}
	return s, nil
}

// refused is a conversation that the template cannot write.
func refused(err error) error {
	field := "messages"
	var bad *chat.InputError
	if errors.As(err, &bad) && bad.Param != "" {
		field = bad.Param
	}
	return wrong(field, "chat_template", "change the messages as it asks", "the chat template refuses the conversation: %v", err)
}

// completion is a prompt as it is served, its continuation and the end of the text.
func (f *Format) completion(r *Row, o RenderOptions) (*Sequence, error) {
	if c := f.control.find(r.Completion); c != "" && !o.ControlText {
		return nil, wrong("completion", "special_token", "remove it: the end of the text is added by itself", "has the text of the control token %s", c)
	}
	prompt := text{Rendered: chat.Rendered{Text: r.Prompt}}
	prompt.ids = f.tok.Encode(r.Prompt, tokenizer.EncodeOptions{AddSpecial: true, ParseSpecial: true})
	if len(prompt.ids) == 0 {
		if bos := f.tok.BOS(); bos >= 0 {
			prompt.ids = []int32{bos}
		} else {
			return nil, wrong("prompt", "empty", "write a prompt", "is empty, and this model has no token to begin a text with")
		}
	}
	t := text{Rendered: chat.Rendered{Text: r.Prompt + r.Completion, Spans: []chat.Span{{Start: 0, End: len(r.Prompt), Message: 0}, {Start: len(r.Prompt), End: len(r.Prompt) + len(r.Completion), Message: 1}}}}
	t.ids, t.offsets = f.tok.EncodeOffsets(t.Text, tokenizer.EncodeOptions{AddSpecial: true, ParseSpecial: true,
		Literal: []tokenizer.Span{{Start: len(r.Prompt), End: len(t.Text)}}})
	if r.Prompt == "" && !f.tok.AddBOS() {
		t.ids, t.offsets = append([]int32{prompt.ids[0]}, t.ids...), append([][2]int{{0, 0}}, t.offsets...)
	}
	if err := f.begins(t, prompt.ids, "completion"); err != nil && !f.sew(&t, prompt) {
		return nil, err
	}
	if n := len(t.ids); !f.ends[t.ids[n-1]] && f.tok.EOS() >= 0 {
		t.ids, t.offsets = append(t.ids, f.tok.EOS()), append(t.offsets, [2]int{len(t.Text), len(t.Text)})
	}
	s := sequence(r.Line, -1, t, []chat.Message{{Role: "prompt"}, {Role: "completion"}})
	s.train(stretch{len(prompt.ids), len(t.ids)})
	return s, nil
}
