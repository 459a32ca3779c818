package graders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"graft/internal/chat"
	"graft/serving"
)

// Judge asks a model.
type Judge interface {
	// Ask returns what the model answers. Its errors are those of serving.
	Ask(ctx context.Context, q Question) (*Answer, error)
}

// Question is one request to a model.
type Question struct {
	Model    string
	Messages []chat.Message
	Sampling Sampling
	Format   serving.Format
	Tools    []chat.Tool
}

// Answer is what a model has answered, and under which parameters.
type Answer struct {
	Text        string
	ToolCalls   []chat.ToolCall
	Finish      serving.FinishReason
	Usage       serving.Usage
	Model       string // as asked for
	Temperature float32
	TopP        float32
	Seed        int64
	MaxTokens   int // 0: up to the context
}

// Similarity scores how much a text is like a reference, from 0 to 1. Signature
// says how: the metric, its version and options, and the embedder.
type Similarity func(ctx context.Context, metric, text, reference string) (score float64, signature string, err error)

// Grader is a Spec that can grade.
type Grader struct {
	Spec      *Spec
	text, ref *Template
	messages  []message
	inner     map[string]*Grader
	formula   *Formula
}

// message is a Message, read.
type message struct {
	role  string
	parts []*Template
}

// Compile checks a grader and reads its templates. The error is an *InvalidError.
func Compile(s *Spec) (*Grader, error) { return compile(s, false) }

func compile(s *Spec, nested bool) (*Grader, error) {
	if err := s.check(nested); err != nil {
		return nil, err
	}
	g := &Grader{Spec: s}
	var err error
	if s.Type == StringCheck || s.Type == TextSimilarity {
		if g.text, err = ParseTemplate(s.Text); err != nil {
			return nil, invalid("input", "%v", err)
		}
		if g.ref, err = ParseTemplate(s.Reference); err != nil {
			return nil, invalid("reference", "%v", err)
		}
	}
	if g.messages, err = compileMessages("input", s.Messages); err != nil {
		return nil, err
	}
	if s.Type == Multi {
		return g, g.compileMulti()
	}
	return g, nil
}

func compileMessages(field string, list []Message) (out []message, err error) {
	for i, m := range list {
		c := message{role: m.Role}
		for _, part := range m.Parts {
			t, err := ParseTemplate(part)
			if err != nil {
				return nil, invalid(fmt.Sprintf("%s[%d].content", field, i), "%v", err)
			}
			c.parts = append(c.parts, t)
		}
		out = append(out, c)
	}
	return out, nil
}

func (g *Grader) compileMulti() (err error) {
	if g.formula, err = ParseFormula(g.Spec.Formula); err != nil {
		return invalid("calculate_output", "%v", err)
	}
	g.inner = map[string]*Grader{}
	for _, name := range slices.Sorted(maps.Keys(g.Spec.Graders)) {
		inner, err := compile(g.Spec.Graders[name], true)
		var e *InvalidError
		if errors.As(err, &e) {
			return invalid("graders."+name+"."+e.Param, "%s", e.Message)
		}
		if err != nil {
			return err
		}
		g.inner[name] = inner
	}
	for _, name := range g.formula.Names() {
		if g.inner[name] == nil {
			return invalid("calculate_output", "there is no grader %q", clip(name))
		}
	}
	return nil
}

// Prompt is a list of messages whose texts are templates.
type Prompt struct{ messages []message }

// CompilePrompt reads the templates of messages. The error is an *InvalidError,
// with a Param that begins with field.
func CompilePrompt(field string, list []Message) (*Prompt, error) {
	m, err := compileMessages(field, list)
	return &Prompt{m}, err
}

// Render fills in the templates. Errors: ErrVariable.
func (p *Prompt) Render(v Values) ([]chat.Message, error) { return render(p.messages, v) }

// Uses tells whether a template refers to a namespace.
func (p *Prompt) Uses(namespace string) bool {
	return slices.ContainsFunc(p.messages, func(m message) bool {
		return slices.ContainsFunc(m.parts, func(t *Template) bool { return t.Uses(namespace) })
	})
}

func render(list []message, v Values) ([]chat.Message, error) {
	var out []chat.Message
	size := 0
	for _, m := range list {
		var parts []string
		for _, t := range m.parts {
			text, err := t.Render(v)
			if err != nil {
				return nil, err
			}
			parts = append(parts, text)
			if size += len(text); size > MaxRendered {
				return nil, fmt.Errorf("the messages render to more than %d bytes", MaxRendered)
			}
		}
		out = append(out, chat.Text(m.role, strings.Join(parts, "\n")))
	}
	return out, nil
}
