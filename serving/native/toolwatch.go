package native

import (
	"bytes"
	"slices"
	"strings"

	"graft/internal/chat"
	"graft/internal/grammar"
	"graft/serving"
)

// toolWatch is the constraint of answers that may call strict tools: free until
// a call begins, which then must follow the schema of its tool to its end.
type toolWatch struct {
	calls       *grammar.Grammar // the text behind a trigger
	triggers    []string
	open, close string             // of reasoning, in which nothing is a call; may be empty
	text        func(int32) []byte // what a token stands for, control tokens too

	tail     []byte           // end of the free text, as long as the longest mark
	thinking bool             // inside reasoning
	call     *grammar.Matcher // nil: outside of a call
}

// Mask is nil while everything is allowed.
func (w *toolWatch) Mask() ([]uint64, error) {
	if w.call == nil {
		return nil, nil
	}
	return w.call.Mask()
}

// Accept looks for the beginnings and ends of calls.
func (w *toolWatch) Accept(id int32) error {
	if w.call != nil {
		if err := w.call.Accept(id); err != nil {
			return err
		}
		if w.call.Done() {
			w.call = nil
		}
		return nil
	}
	w.tail = append(w.tail, w.text(id)...)
	for w.find() {
	}
	return nil
}

// find moves over the first mark in tail, if there is one.
func (w *toolWatch) find() bool {
	marks := []string{w.close}
	if !w.thinking {
		marks = append(slices.Clone(w.triggers), w.open)
	}
	first, mark, longest := -1, "", 0
	for _, m := range marks {
		longest = max(longest, len(m))
		if i := bytes.Index(w.tail, []byte(m)); m != "" && i >= 0 && (first < 0 || i < first) {
			first, mark = i, m
		}
	}
	if first < 0 {
		w.tail = w.tail[max(0, len(w.tail)-longest):]
		return false
	}
	w.tail = w.tail[first+len(mark):]
	switch mark {
	case w.open:
		w.thinking = true
	case w.close:
		w.thinking = false
	default:
		// A token may hold more than the trigger. What does not fit cannot be
		// mended any more; the parser will give it back as text.
		if m := w.calls.Start(); m.AcceptText(w.tail) {
			w.call, w.tail = m, nil
		}
	}
	return w.call == nil
}

// Done: free text may always follow.
func (w *toolWatch) Done() bool { return false }

// watchFor is the toolWatch of a request, nil when it has no use for one: no
// strict tool, or a dialect whose calls cannot be told from text before they end.
func (in *instance) watchFor(req *serving.Request, p *prompt) (func() constraint, error) {
	tools := toolsFor(req)
	if !p.chat || !slices.ContainsFunc(tools, func(t chat.Tool) bool { return t.Strict }) || len(p.dialect.Triggers()) == 0 {
		return nil, nil
	}
	trigger := p.dialect.Triggers()[0]
	shape, ok := p.dialect.Shape(tools, req.ParallelTools)
	if !ok {
		return nil, nil
	}
	if shape.Open == "" {
		shape.Many = false // each call has a trigger of its own
		for i := range shape.Calls {
			rest, found := strings.CutPrefix(shape.Calls[i].Begin, trigger)
			if !found {
				return nil, nil
			}
			shape.Calls[i].Begin = rest
		}
	} else if shape.Open, ok = strings.CutPrefix(shape.Open, trigger); !ok {
		return nil, nil
	}
	key := "watch\x00" + p.dialect.Name + "\x00"
	for i, t := range tools {
		if !t.Strict {
			shape.Calls[i].Arguments = nil // any object
		}
		key += t.Name + "\x00" + string(shape.Calls[i].Arguments) + "\x00"
	}
	if shape.Many {
		key += "many"
	}
	g, err := in.constraints.get(key, func() (*grammar.Grammar, error) {
		g, err := grammar.Compile(textOf(shape), in.vocabulary())
		if err != nil {
			return nil, &serving.ParamError{Param: "tools", Message: "the parameters of a strict tool cannot be followed: " + err.Error()}
		}
		return g, nil
	})
	if err != nil {
		return nil, err
	}
	open, close := p.dialect.ReasoningTags()
	return func() constraint {
		return &toolWatch{calls: g, triggers: p.dialect.Triggers(), open: open, close: close, thinking: p.reasoning, text: func(id int32) []byte {
			if in.tok.IsControl(id) {
				return []byte(in.tok.Text(id))
			}
			return in.tok.Bytes(id)
		}}
	}, nil
}
