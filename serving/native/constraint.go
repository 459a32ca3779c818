package native

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"graft/internal/chat"
	"graft/internal/grammar"
	"graft/internal/tokenizer"
	"graft/serving"
)

// constraintCache keeps the grammars of the latest constraints.
type constraintCache struct {
	mu    sync.Mutex
	order []string // least recently used first
	byKey map[string]*grammar.Grammar
}

// maxConstraints bounds a constraintCache.
const maxConstraints = 32

func (c *constraintCache) get(key string, compile func() (*grammar.Grammar, error)) (*grammar.Grammar, error) {
	c.mu.Lock()
	g := c.byKey[key]
	if g != nil {
		c.order = append(slices.DeleteFunc(c.order, func(k string) bool { return k == key }), key)
	}
	c.mu.Unlock()
	if g != nil {
		return g, nil
	}
	g, err := compile() // two requests may do it at once; the later one stays
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey = map[string]*grammar.Grammar{}
	}
	c.order = append(slices.DeleteFunc(c.order, func(k string) bool { return k == key }), key)
	c.byKey[key] = g
	if len(c.order) > maxConstraints {
		delete(c.byKey, c.order[0])
		c.order = c.order[1:]
	}
	return g, nil
}

func vocabularyOf(t *tokenizer.Tokenizer) *grammar.Vocabulary {
	control := map[string]int32{}
	for id := range int32(t.Size()) {
		if t.IsControl(id) {
			control[t.Text(id)] = id
		}
	}
	return grammar.NewVocabulary(t, control)
}

// constraintFor makes the constraints of a request's answers, nil if they are free.
func (in *instance) constraintFor(req *serving.Request, p *prompt) (func() constraint, error) {
	g, err := in.grammarFor(req, p)
	if err != nil {
		return nil, err
	}
	if g != nil {
		return func() constraint { return blamed{g.Start(), blame(req)} }, nil
	}
	watch, err := in.watchFor(req, p)
	if err != nil || watch == nil {
		return nil, err
	}
	return func() constraint { return blamed{watch(), "tools"} }, nil
}

// blamed is a constraint whose errors name the field of the request that asked
// for it: what cannot be followed is no error of the server.
type blamed struct {
	constraint
	param string
}

func (b blamed) Mask() ([]uint64, error) {
	mask, err := b.constraint.Mask()
	if err != nil {
		err = &serving.ParamError{Param: b.param, Message: err.Error()}
	}
	return mask, err
}

// blame is the field that asked for the grammar of the whole answer.
func blame(req *serving.Request) string {
	if forcesTool(req) {
		return "tools"
	}
	return "response_format"
}

// forcesTool tells whether the answer must be a call.
func forcesTool(req *serving.Request) bool {
	return len(toolsFor(req)) > 0 && (req.ToolChoice.Mode == "required" || req.ToolChoice.Mode == "named")
}

// grammarFor is what the whole answer must look like, nil if it is free.
func (in *instance) grammarFor(req *serving.Request, p *prompt) (*grammar.Grammar, error) {
	format, err := formatOf(&req.Format)
	if err != nil {
		return nil, err
	}
	tools := toolsFor(req)
	forced := forcesTool(req)
	if format == nil && !forced {
		return nil, nil
	}
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%q\x00%v %v %v", req.Format.Type, req.Format.Schema, req.Format.Regex, req.Format.Choice, forced, req.ParallelTools, p.reasoning)
	for _, t := range tools {
		key += "\x00" + t.Name + "\x00" + string(t.Parameters)
	}
	return in.constraints.get(key, func() (*grammar.Grammar, error) {
		c := format
		if len(tools) > 0 && p.chat {
			calls, ok := callsOf(p.dialect, tools, req.ParallelTools)
			switch {
			case forced && !ok:
				return nil, &serving.ParamError{Param: "tool_choice", Message: "this model's form of tool calls is not JSON, so a call cannot be forced: use tool_choice auto"}
			case forced:
				c = calls
			case ok:
				c = grammar.Alt(format, calls)
			}
		}
		if p.reasoning {
			_, end := p.dialect.ReasoningTags()
			c = grammar.Seq(grammar.Text(), grammar.Literal(end), grammar.Regex(`\s{0,4}`), c)
		}
		g, err := grammar.Compile(c, in.vocabulary())
		if err == nil { // the first mask here: what cannot be done is seen before the engine waits for it
			_, err = g.Start().Mask()
		}
		var bad *grammar.SchemaError
		switch {
		case err == nil:
			return g, nil
		case forced && errors.As(err, &bad):
			err = fmt.Errorf("the parameters of a tool cannot be followed: %w", err)
		}
		return nil, &serving.ParamError{Param: blame(req), Message: err.Error()}
	})
}

func formatOf(f *serving.Format) (grammar.Constraint, error) {
	switch f.Type {
	case "", "text":
		return nil, nil
	case "json_object":
		return grammar.JSONObject(), nil
	case "json_schema":
		return grammar.JSONSchema(f.Schema), nil
	case "regex":
		return grammar.Regex(f.Regex), nil
	case "choice":
		return grammar.Choice(f.Choice), nil
	}
	return nil, &serving.ParamError{Param: "response_format", Message: fmt.Sprintf("response format %q is not supported: use text, json_object or json_schema", f.Type)}
}

// callsOf is the text of one call, or with many of any number of them.
func callsOf(d *chat.Dialect, tools []chat.Tool, many bool) (grammar.Constraint, bool) {
	shape, ok := d.Shape(tools, many)
	if !ok {
		return nil, false
	}
	return textOf(shape), true
}

// textOf is the text of a shape. A call without a schema takes any object.
func textOf(shape chat.Shape) grammar.Constraint {
	var each []grammar.Constraint
	for _, c := range shape.Calls {
		arguments := grammar.JSONObject()
		if c.Arguments != nil {
			arguments = grammar.JSONSchema(c.Arguments)
		}
		each = append(each, grammar.Seq(grammar.Literal(c.Begin), arguments, grammar.Literal(c.End)))
	}
	one := grammar.Alt(each...)
	parts := []grammar.Constraint{grammar.Literal(shape.Open), one}
	if shape.Many {
		parts = append(parts, grammar.Repeat(grammar.Seq(grammar.Literal(shape.Separator), one), 0, -1))
	}
	return grammar.Seq(append(parts, grammar.Literal(shape.Close))...)
}
