package native

import (
	"errors"
	"fmt"
	"slices"

	"graft/internal/chat"
	"graft/internal/tokenizer"
	"graft/serving"
)

// prompt is a request's prompt as the model sees it.
type prompt struct {
	ids       []int32
	text      string // what Echo repeats
	chat      bool
	dialect   *chat.Dialect // of a conversation
	markers   map[int32]string
	reasoning bool // the answer begins inside the model's reasoning
}

// promptOf reads the messages, text or ids of a request.
func (in *instance) promptOf(req *serving.Request) (p prompt, err error) {
	switch {
	case req.Messages != nil:
		p, err = in.conversation(req.Template, req.Messages, toolsFor(req), req.TemplateVars, true)
	case req.PromptIDs != nil:
		for _, id := range req.PromptIDs {
			if id < 0 || int(id) >= in.vocab {
				return p, badID("prompt", id, in.vocab)
			}
		}
		p.ids = slices.Clone(req.PromptIDs)
		if req.Echo {
			p.text = in.tok.Decode(p.ids, true)
		}
	default:
		// A prompt is all that the model is given, by whoever asks: control tokens
		// in it are meant, as in transformers.
		p.ids, p.text = in.tok.Encode(req.Prompt, tokenizer.EncodeOptions{AddSpecial: true, ParseSpecial: true}), req.Prompt
	}
	if err != nil {
		return p, err
	}
	if len(p.ids) == 0 {
		bos := in.tok.BOS()
		if bos < 0 {
			return p, &serving.ParamError{Param: "prompt", Message: "the prompt is empty, and this model has no token to begin a text with"}
		}
		p.ids = []int32{bos}
	}
	return p, nil
}

// conversation renders messages by a template, "" for the model's own. What the
// caller wrote in them is never read as a control token.
func (in *instance) conversation(template string, messages []chat.Message, tools []chat.Tool, vars map[string]any, generate bool) (p prompt, err error) {
	format, err := in.formatFor(template)
	if err != nil {
		return p, err
	}
	out, err := format.template.Render(chat.Input{Messages: messages, Tools: tools, Vars: vars, AddGenerationPrompt: generate})
	if err != nil {
		var bad *chat.InputError
		if errors.As(err, &bad) {
			return p, &serving.ParamError{Param: bad.Param, Message: bad.Error()}
		}
		return p, err
	}
	literal := make([]tokenizer.Span, len(out.Spans))
	for i, s := range out.Spans {
		literal[i] = tokenizer.Span{Start: s.Start, End: s.End}
	}
	p.dialect, p.markers = format.template.For(len(tools) > 0).Dialect(), format.markers
	p.ids = in.tok.Encode(out.Text, tokenizer.EncodeOptions{ParseSpecial: true, Literal: literal})
	p.text, p.chat = out.Text, true
	p.reasoning = p.dialect.InReasoning(out, false)
	return p, nil
}

// toolsFor are the tools that the model is shown and may call.
func toolsFor(req *serving.Request) []chat.Tool {
	switch c := req.ToolChoice; {
	case c.Mode == "none":
		return nil
	case len(c.Names) > 0:
		var out []chat.Tool
		for _, t := range req.Tools {
			if slices.Contains(c.Names, t.Name) {
				out = append(out, t)
			}
		}
		return out
	}
	return req.Tools
}

// Room checks that a prompt of n tokens and what is asked for fit, and returns
// how many tokens the sequence may have.
func (in *instance) room(n, maxTokens int) (limit int, err error) {
	limit = in.context
	switch {
	case maxTokens > 0:
		limit = n + maxTokens
	case maxTokens < 0:
		limit, maxTokens = n, 0
	case n >= in.context:
		return 0, &serving.ContextError{Context: in.context, Prompt: n}
	}
	if limit > in.context {
		return 0, &serving.ContextError{Context: in.context, Prompt: n, Max: maxTokens}
	}
	return limit, nil
}

func badID(param string, id int32, vocab int) error {
	return &serving.ParamError{Param: param, Message: fmt.Sprintf("token id %d does not exist: the model has ids 0 to %d", id, vocab-1)}
}
