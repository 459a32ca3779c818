package dataset

import (
	"fmt"
	"time"

	"graft/internal/chat"
	"graft/internal/tokenizer"
)

// Format is how a model reads conversations and texts: its tokenizer and chat
// template, used as serving uses them. It may be used from several goroutines.
type Format struct {
	tok      *tokenizer.Tokenizer
	template *chat.Template // nil: the model cannot chat
	why      error          // why not
	vars     map[string]any
	now      time.Time
	control  *control
	ends     map[int32]bool // tokens that end a generation
}

// FormatOptions are what a training sets for the template.
type FormatOptions struct {
	Template string         // in place of the model's own; "": that
	Vars     map[string]any // for the template, as chat_template_kwargs of requests
	Now      time.Time      // for templates that write the date; zero: now
}

// NewFormat reads the chat template of a model. A model without a template that
// can be used takes completion rows only.
func NewFormat(tok *tokenizer.Tokenizer, o FormatOptions) *Format {
	f := &Format{tok: tok, vars: o.Vars, now: o.Now, control: controlTokens(tok), ends: map[int32]bool{}}
	if f.now.IsZero() {
		f.now = time.Now()
	}
	for _, id := range tok.EOG() {
		f.ends[id] = true
	}
	text := func(id int32) string { return tok.Text(id) }
	special := chat.SpecialTokens{BOS: text(tok.BOS()), EOS: text(tok.EOS()), Pad: text(tok.PAD()), Unk: text(tok.UNK())}
	switch all := tok.Templates(); {
	case o.Template != "":
		f.template, f.why = chat.Compile(o.Template, special)
	case len(all) > 0:
		f.template, f.why = chat.CompileSet(all, special)
	default:
		f.why = fmt.Errorf("the model has no chat template")
	}
	return f
}

// Tokenizer is the model's.
func (f *Format) Tokenizer() *tokenizer.Tokenizer { return f.tok }

// Template is the chat template, nil if there is none that can be used.
func (f *Format) Template() *chat.Template { return f.template }

// text is a conversation as the template writes it.
type text struct {
	chat.Rendered
	ids     []int32
	offsets [][2]int // of ids in Text; only of rows, not of prompts
}

// prompt is what serving sends for messages: the text up to where the answer begins.
func (f *Format) prompt(messages []chat.Message, tools []chat.Tool) (text, error) {
	out, err := f.render(messages, tools, true)
	if err != nil {
		return text{}, err
	}
	return text{Rendered: out, ids: f.tok.Encode(out.Text, options(out))}, nil
}

// whole is messages with the answers in them.
func (f *Format) whole(messages []chat.Message, tools []chat.Tool) (text, error) {
	out, err := f.render(messages, tools, false)
	if err != nil {
		return text{}, err
	}
	t := text{Rendered: out}
	t.ids, t.offsets = f.tok.EncodeOffsets(out.Text, options(out))
	return t, nil
}

func (f *Format) render(messages []chat.Message, tools []chat.Tool, generate bool) (chat.Rendered, error) {
	return f.template.Render(chat.Input{Messages: messages, Tools: tools, Vars: f.vars, Now: f.now, AddGenerationPrompt: generate})
}

// options reads control tokens as serving does: never in what a row brought.
func options(out chat.Rendered) tokenizer.EncodeOptions {
	literal := make([]tokenizer.Span, len(out.Spans))
	for i, s := range out.Spans {
		literal[i] = tokenizer.Span{Start: s.Start, End: s.End}
	}
	return tokenizer.EncodeOptions{ParseSpecial: true, Literal: literal}
}
