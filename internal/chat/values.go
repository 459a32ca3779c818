package chat

import (
	"encoding/json"
	"fmt"
	"strings"

	"graft/internal/chat/jinja"
)

// turn is a message on its way to the template.
type turn struct {
	role      jinja.Str
	content   jinja.Value // Str, *List of parts, or nil for none
	reasoning jinja.Str
	name      jinja.Str
	callID    jinja.Str
	calls     jinja.Value // *List, or nil
}

// value is the mapping that the template sees. What is not there has no key:
// transformers drops keys whose value is None.
func (m turn) value() *jinja.Dict {
	d := jinja.NewDict(jinja.Template)
	// transformers gives reasoning under its older name too, in front.
	setText(d, "thinking", m.reasoning)
	d.Set("role", m.role)
	if m.content != nil {
		d.Set("content", m.content)
	}
	setText(d, "reasoning_content", m.reasoning)
	setText(d, "name", m.name)
	if m.calls != nil {
		d.Set("tool_calls", m.calls)
	}
	setText(d, "tool_call_id", m.callID)
	return d
}

func setText(d *jinja.Dict, key string, s jinja.Str) {
	if s.String() != "" {
		d.Set(key, s)
	}
}

// knownRoles are written by graft's own API, never by a user, and some
// templates build control tokens out of them ('<|' + role + '|>').
var knownRoles = map[string]bool{"system": true, "developer": true, "user": true, "assistant": true, "tool": true}

// turn maps a message; i is its index.
func (t *Template) turn(m Message, i int) (turn, error) {
	src := sourceOf(i)
	text := func(s string) jinja.Str { return jinja.Text(s, src) }
	out := turn{reasoning: text(m.Reasoning), name: text(m.Name), callID: text(t.id(m.ToolCallID))}
	role := m.Role
	if role == "developer" && !t.caps.developer {
		role = "system"
	}
	out.role = jinja.Text(role, src)
	if knownRoles[role] {
		out.role = jinja.Text(role, jinja.Template)
	}
	content, err := t.content(m, src)
	if err != nil {
		return turn{}, wrong(fmt.Sprintf("messages[%d].content", i), "message %d: %w", i, err)
	}
	out.content = content
	if len(m.ToolCalls) > 0 {
		calls := make([]jinja.Value, len(m.ToolCalls))
		for j, c := range m.ToolCalls {
			calls[j] = t.call(c, src)
		}
		out.calls = jinja.NewList(src, calls...)
	}
	return out, nil
}

// content is a string for plain content. Parts stay a list where the template
// can read one; else their texts are joined by line breaks, as vLLM and
// llama.cpp do.
func (t *Template) content(m Message, src jinja.Source) (jinja.Value, error) {
	for _, p := range m.Content {
		if p.Type != "text" {
			return nil, fmt.Errorf("content of type %q is not supported: only text is", p.Type)
		}
	}
	switch {
	case m.Content == nil && t.caps.needsContent:
		return jinja.Text("", src), nil
	case m.Content == nil:
		return nil, nil
	case m.Plain && !t.caps.onlyParts || !t.caps.parts:
		return jinja.Text(joinParts(m.Content), src), nil
	}
	parts := make([]jinja.Value, len(m.Content))
	for i, p := range m.Content {
		d := jinja.NewDict(src)
		d.Set("type", jinja.Text("text", jinja.Template))
		d.Set("text", jinja.Text(p.Text, src))
		parts[i] = d
	}
	return jinja.NewList(src, parts...), nil
}

func joinParts(parts []Part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, "\n")
}

// call is a tool call in OpenAI's form, but with the arguments as a mapping
// where the template wants one.
func (t *Template) call(c ToolCall, src jinja.Source) jinja.Value {
	f := jinja.NewDict(src)
	f.Set("name", jinja.Text(c.Name, src))
	f.Set("arguments", t.callArguments(c, src))
	d := jinja.NewDict(src)
	if c.ID != "" {
		d.Set("id", jinja.Text(t.id(c.ID), src))
	}
	d.Set("type", jinja.Text("function", jinja.Template))
	d.Set("function", f)
	return d
}

// id makes an id of another model fit for templates that insist on nine
// characters (Mistral's): the last nine, as vLLM does.
func (t *Template) id(id string) string {
	if !t.caps.shortIDs || id == "" {
		return id
	}
	id = "000000000" + id
	return id[len(id)-9:]
}

// callArguments that are not a JSON object stay text: a model may have written
// them, and its history has to remain usable.
func (t *Template) callArguments(c ToolCall, src jinja.Source) jinja.Value {
	if t.caps.textArguments {
		return jinja.Text(c.Arguments, src)
	}
	if strings.TrimSpace(c.Arguments) == "" {
		return jinja.NewDict(src)
	}
	v, err := jinja.ParseJSON([]byte(c.Arguments), src)
	if _, object := v.(*jinja.Dict); err != nil || !object {
		return jinja.Text(c.Arguments, src)
	}
	return v
}

func toolValues(tools []Tool) (*jinja.List, error) {
	list := make([]jinja.Value, len(tools))
	for i, tool := range tools {
		raw, err := tool.definition()
		if err != nil {
			return nil, wrong(fmt.Sprintf("tools[%d]", i), "%w", err)
		}
		v, err := jinja.ParseJSON(raw, shared)
		if err != nil {
			return nil, wrong(fmt.Sprintf("tools[%d]", i), "tool %q: %w", tool.Name, err)
		}
		list[i] = v
	}
	return jinja.NewList(shared, list...), nil
}

// definition is Raw, or the same made from the other fields.
func (tool Tool) definition() (json.RawMessage, error) {
	if len(tool.Raw) > 0 {
		return tool.Raw, nil
	}
	type function struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters,omitempty"`
	}
	raw, err := json.Marshal(struct {
		Type     string   `json:"type"`
		Function function `json:"function"`
	}{"function", function{tool.Name, tool.Description, tool.Parameters}})
	if err != nil {
		return nil, fmt.Errorf("tool %q: %w", tool.Name, err)
	}
	return raw, nil
}

func documentValues(documents []Document) jinja.Value {
	list := make([]jinja.Value, len(documents))
	for i, doc := range documents {
		d := jinja.NewDict(shared)
		d.Set("title", jinja.Text(doc.Title, shared))
		d.Set("text", jinja.Text(doc.Text, shared))
		list[i] = d
	}
	return jinja.NewList(shared, list...)
}

// jinjaValue takes what JSON decodes to.
func jinjaValue(v any) (jinja.Value, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jinja.ParseJSON(raw, shared)
}
