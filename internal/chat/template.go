package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"graft/internal/chat/jinja"
)

// SpecialTokens are the texts that templates know by name (bos_token …). An
// empty one is undefined there.
type SpecialTokens struct {
	BOS, EOS, Pad, Unk, Sep, Cls, Mask string
}

// Input is a conversation to be rendered.
type Input struct {
	Messages  []Message
	Tools     []Tool
	Documents []Document

	// AddGenerationPrompt ends the text with the head of an assistant turn;
	// ContinueFinal leaves the last message open instead, for the model to go
	// on with. They exclude each other.
	AddGenerationPrompt bool
	ContinueFinal       bool

	Vars map[string]any // more variables for the template, as of JSON
	Now  time.Time      // zero: the time of the call
}

// Document is a text for templates that know retrieval.
type Document struct {
	Title string
	Text  string
}

// Template is a model's chat template. It may be used from several goroutines.
type Template struct {
	source string
	code   *jinja.Compiled
	tools  *Template // used instead when there are tools; nil: this one
	tokens SpecialTokens
	caps   caps

	dialect *Dialect
}

// Compile reads a template and finds out, by rendering small conversations,
// what it can express. Its errors are of type *jinja.Error.
func Compile(template string, tokens SpecialTokens) (*Template, error) {
	code, err := jinja.Parse(template)
	if err != nil {
		return nil, err
	}
	t := &Template{source: template, code: code, tokens: tokens}
	t.caps = t.probe()
	t.dialect = t.findDialect()
	return t, nil
}

// CompileSet reads the templates of a model that has several, by name. As in
// transformers, "tool_use" is taken when there are tools, else "default".
func CompileSet(templates map[string]string, tokens SpecialTokens) (*Template, error) {
	main, ok := templates["default"]
	if !ok {
		return nil, errors.New(`the model has several chat templates, but none is named "default"`)
	}
	t, err := Compile(main, tokens)
	if err != nil {
		return nil, err
	}
	if src, ok := templates["tool_use"]; ok {
		if t.tools, err = Compile(src, tokens); err != nil {
			return nil, fmt.Errorf("template tool_use: %w", err)
		}
	}
	return t, nil
}

// Source is the text of the template.
func (t *Template) Source() string { return t.source }

// For is the template that is used for conversations with or without tools.
func (t *Template) For(tools bool) *Template {
	if tools && t.tools != nil {
		return t.tools
	}
	return t
}

// SupportsTools tells whether the template itself shows tools to the model;
// where it does not, Render describes them in the system message.
func (t *Template) SupportsTools() bool { return t.For(true).caps.tools }

// Render writes the conversation as the model expects it. Its errors are of
// type *InputError.
func (t *Template) Render(in Input) (Rendered, error) {
	t = t.For(len(in.Tools) > 0)
	if len(in.Messages) == 0 {
		return Rendered{}, wrong("messages", "a conversation needs at least one message")
	}
	if in.ContinueFinal && in.AddGenerationPrompt {
		return Rendered{}, wrong("messages", "%w and have a new turn behind it at the same time", ErrContinue)
	}
	messages, err := t.messages(in)
	if err != nil {
		return Rendered{}, err
	}
	final := ""
	if in.ContinueFinal {
		if final, err = tag(messages); err != nil {
			return Rendered{}, err
		}
	}
	vars, err := t.variables(in, messages)
	if err != nil {
		return Rendered{}, err
	}
	out, err := t.code.Render(vars, jinja.Options{Now: in.Now})
	if err != nil {
		return Rendered{}, &InputError{Param: "messages", Err: err}
	}
	if in.ContinueFinal {
		if out, err = cutAtTag(out, final); err != nil {
			return Rendered{}, err
		}
	}
	return rendered(out), nil
}

// variables are what transformers hands to a template.
func (t *Template) variables(in Input, messages []turn) (*jinja.Dict, error) {
	vars := jinja.NewDict(jinja.Template)
	list := make([]jinja.Value, len(messages))
	for i, m := range messages {
		list[i] = m.value()
	}
	vars.Set("messages", jinja.NewList(jinja.Template, list...))
	vars.Set("tools", nil)
	vars.Set("documents", nil)
	vars.Set("add_generation_prompt", in.AddGenerationPrompt)
	for name, text := range map[string]string{
		"bos_token": t.tokens.BOS, "eos_token": t.tokens.EOS, "pad_token": t.tokens.Pad, "unk_token": t.tokens.Unk,
		"sep_token": t.tokens.Sep, "cls_token": t.tokens.Cls, "mask_token": t.tokens.Mask,
	} {
		if text != "" {
			vars.Set(name, jinja.Text(text, jinja.Template))
		}
	}
	if len(in.Tools) > 0 && t.caps.tools {
		tools, err := toolValues(in.Tools)
		if err != nil {
			return nil, err
		}
		vars.Set("tools", tools)
		if t.mentions("xml_tools") { // what SmolLM3 calls them
			vars.Set("xml_tools", tools)
		}
	}
	if in.Documents != nil {
		vars.Set("documents", documentValues(in.Documents))
	}
	for name, v := range in.Vars {
		switch name {
		case "messages", "tools", "documents", "add_generation_prompt":
			return nil, wrong("chat_template_kwargs", "template variable %q: the request sets it in another way", name)
		}
		value, err := jinjaValue(v)
		if err != nil {
			return nil, wrong("chat_template_kwargs", "template variable %q: %w", name, err)
		}
		vars.Set(name, value)
	}
	return vars, nil
}

// Sources of text: the template, the caller (tools, documents, variables), and
// the messages.
func sourceOf(message int) jinja.Source { return jinja.Source(message) + 2 }

const (
	shared    = jinja.Mixed
	tagSource = jinja.Source(1 << 30)
)

func rendered(out jinja.Output) Rendered {
	r := Rendered{Text: out.Text}
	for _, run := range out.Runs {
		if run.Generated {
			if n := len(r.Generated); n > 0 && r.Generated[n-1].End == run.Start {
				r.Generated[n-1].End = run.End
			} else {
				r.Generated = append(r.Generated, Range{run.Start, run.End})
			}
		}
		if run.Source == jinja.Template {
			continue
		}
		s := Span{Start: run.Start, End: run.End, Message: int(run.Source) - 2}
		if n := len(r.Spans); n > 0 && r.Spans[n-1].End == s.Start && r.Spans[n-1].Message == s.Message {
			r.Spans[n-1].End = s.End
		} else {
			r.Spans = append(r.Spans, s)
		}
	}
	return r
}

// mentions tells whether the template's text contains s.
func (t *Template) mentions(s string) bool { return strings.Contains(t.source, s) }
