package chat

import (
	"strings"

	"graft/internal/chat/jinja"
)

// caps are what a template can express. Templates do not say; so each is found
// out by rendering a small conversation and looking at what came of it.
type caps struct {
	system        bool // shows a system message
	developer     bool // knows the role by name
	parts         bool // shows content that is a list of parts
	onlyParts     bool // loses content that is a string
	tools         bool // shows tool definitions
	calls         bool // shows the tool calls of earlier turns
	results       bool // shows tool messages
	needsContent  bool // cannot take an assistant turn without content
	shortIDs      bool // insists on ids of nine characters
	textArguments bool // wants the arguments of calls as text, not as a mapping
}

const (
	needle   = "needle-4ad2"
	argument = "argument-7c31" // a name that only the probe's call has
)

// probe fills caps. A template that refuses a probe does not have the ability;
// what it says then is of no interest.
func (t *Template) probe() caps {
	c := caps{developer: t.mentions("developer")}
	user := Text("user", "hello")
	text, _ := t.try(caps{}, Input{Messages: []Message{Text("user", needle)}})
	// Under this setting content is always a list.
	list, ok := t.try(caps{parts: true, onlyParts: true}, Input{Messages: []Message{Text("user", needle)}})
	c.parts = ok && shows(list, needle) && !strings.Contains(list.Text, "'type'") && !strings.Contains(list.Text, `"type"`)
	c.onlyParts = c.parts && !shows(text, needle)
	system, ok := t.try(c, Input{Messages: []Message{Text("system", needle), user}})
	c.system = ok && shows(system, needle)
	t.probeTools(&c, user)
	return c
}

func (t *Template) probeTools(c *caps, user Message) {
	// nested in "parameters", so that a template which lists bare names only
	// does not count
	tool := Tool{Name: "probe", Description: "A probe.", Parameters: []byte(
		`{"type": "object", "properties": {"` + needle + `": {"type": "string", "description": "A value."}}, "required": []}`)}
	all := *c
	all.tools = true
	out, ok := t.try(all, Input{Messages: []Message{user}, Tools: []Tool{tool}, AddGenerationPrompt: true})
	c.tools = ok && shows(out, needle)

	call := Message{Role: "assistant", ToolCalls: []ToolCall{{ID: "abcdef123", Name: "probe", Arguments: `{"` + argument + `": "x"}`}}}
	result := Text("tool", "result-"+needle)
	result.Name, result.ToolCallID = "probe", "abcdef123"
	history := func(content bool) Input {
		first := call
		if content {
			first.Content, first.Plain = []Part{{Type: "text"}}, true
		}
		return Input{Messages: []Message{user, first, result}, Tools: []Tool{tool}, AddGenerationPrompt: true}
	}
	all = *c
	out, ok = t.try(all, history(false))
	if !ok {
		all.needsContent = true
		out, ok = t.try(all, history(true))
		c.needsContent = ok
	}
	c.calls = ok && showsArgument(out)
	if !c.calls {
		all.textArguments = true
		if asText, ok2 := t.try(all, history(c.needsContent)); ok2 && showsArgument(asText) {
			c.calls, c.textArguments = true, true
			out, ok = asText, true
		}
	}
	c.results = ok && shows(out, "result-"+needle)
	if ok {
		call.ToolCalls[0].ID, result.ToolCallID = "call_of_many_letters", "call_of_many_letters"
		_, ok = t.try(all, history(c.needsContent))
		c.shortIDs = !ok
	}
}

// try renders under assumed abilities.
func (t *Template) try(assumed caps, in Input) (Rendered, bool) {
	trial := &Template{source: t.source, code: t.code, tokens: t.tokens, caps: assumed}
	turns := make([]turn, len(in.Messages))
	for i, m := range in.Messages {
		var err error
		if turns[i], err = trial.turn(m, i); err != nil {
			return Rendered{}, false
		}
	}
	vars, err := trial.variables(in, turns)
	if err != nil {
		return Rendered{}, false
	}
	out, err := t.code.Render(vars, jinja.Options{})
	if err != nil {
		return Rendered{}, false
	}
	return rendered(out), true
}

// shows tells whether text of the caller that contains s came out.
func shows(r Rendered, s string) bool {
	for _, span := range r.Spans {
		if strings.Contains(r.Text[span.Start:span.End], s) {
			return true
		}
	}
	return false
}

// showsArgument tells whether the probe's argument came out the way a model
// would write it. A mapping printed as Python does, or a string within JSON,
// does not count.
func showsArgument(r Rendered) bool {
	return strings.Contains(r.Text, argument) &&
		!strings.Contains(r.Text, `\"`+argument) && !strings.Contains(r.Text, "'"+argument+"'")
}
