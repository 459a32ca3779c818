package chat

import (
	"fmt"
	"strings"

	"graft/internal/chat/jinja"
)

// messages maps the conversation to turns. Where the template cannot express
// tools, they are described in the system message, earlier calls become text
// in the dialect's form, and their results become user turns.
func (t *Template) messages(in Input) ([]turn, error) {
	turns := make([]turn, 0, len(in.Messages)+1)
	for i, m := range in.Messages {
		next, err := t.turn(m, i)
		if err != nil {
			return nil, err
		}
		switch {
		case len(m.ToolCalls) > 0 && !(t.caps.tools && t.caps.calls):
			next.content = callsAsText(t.dialect, next.content, m.ToolCalls, sourceOf(i))
			next.calls = nil
		case m.Role == "tool" && !(t.caps.tools && t.caps.results):
			result := jinja.Join(plain("<tool_response>\n"), textOf(next.content), plain("\n</tool_response>"))
			if n := len(turns); n > 0 && in.Messages[i-1].Role == "tool" { // one turn for all results
				turns[n-1].content = jinja.Join(textOf(turns[n-1].content), plain("\n"), result)
				continue
			}
			next = turn{role: plain("user"), content: result}
		}
		turns = append(turns, next)
	}
	if len(in.Tools) == 0 || t.caps.tools {
		return turns, nil
	}
	prompt, err := toolPrompt(t.dialect, in.Tools)
	if err != nil {
		return nil, err
	}
	return t.introduce(turns, prompt), nil
}

func plain(s string) jinja.Str { return jinja.Text(s, jinja.Template) }

// introduce puts the description of the tools in front of the conversation: at
// the end of the system message if the template has one, else at the start of
// the first user message.
func (t *Template) introduce(turns []turn, prompt jinja.Str) []turn {
	if !t.caps.system {
		for i := range turns {
			if turns[i].role.String() == "user" {
				turns[i].content = jinja.Join(prompt, plain("\n\n"), textOf(turns[i].content))
				return turns
			}
		}
		return append([]turn{{role: plain("user"), content: prompt}}, turns...)
	}
	if len(turns) > 0 {
		if first := &turns[0]; first.role.String() == "system" || first.role.String() == "developer" {
			first.content = jinja.Join(textOf(first.content), plain("\n\n"), prompt)
			return turns
		}
	}
	return append([]turn{{role: plain("system"), content: prompt}}, turns...)
}

// textOf is content as one string.
func textOf(content jinja.Value) jinja.Str {
	switch c := content.(type) {
	case jinja.Str:
		return c
	case *jinja.List:
		var parts []jinja.Str
		for i := range c.Len() {
			part, _ := c.At(i).(*jinja.Dict)
			text, _ := part.Get("text").(jinja.Str)
			if i > 0 {
				parts = append(parts, plain("\n"))
			}
			parts = append(parts, text)
		}
		return jinja.Join(parts...)
	}
	return jinja.Str{}
}

// callsAsText writes calls the way that d would have generated them.
func callsAsText(d *Dialect, content jinja.Value, calls []ToolCall, src jinja.Source) jinja.Str {
	tools := make([]Tool, len(calls))
	for i, c := range calls {
		tools[i].Name = c.Name
	}
	shape, ok := d.Shape(tools, true)
	if !ok {
		shape, _ = hermes.Shape(tools, true)
	}
	out := textOf(content)
	if out.String() != "" {
		out = jinja.Join(out, plain("\n"))
	}
	var b strings.Builder
	b.WriteString(shape.Open)
	for i, c := range calls {
		if i > 0 {
			b.WriteString(shape.Separator)
		}
		arguments := strings.TrimSpace(c.Arguments)
		if arguments == "" {
			arguments = "{}"
		}
		b.WriteString(shape.Calls[i].Begin + arguments + shape.Calls[i].End)
	}
	b.WriteString(shape.Close)
	return jinja.Join(out, jinja.Text(b.String(), src))
}

// smollmPrompt is the system prompt that SmolLM2 was trained with for tools,
// from the model card of SmolLM2-1.7B-Instruct (Apache-2.0).
const smollmPrompt = `You are an expert in composing functions. You are given a question and a set of possible functions. 
Based on the question, you will need to make one or more function/tool calls to achieve the purpose. 
If none of the functions can be used, point it out and refuse to answer. 
If the given question lacks the parameters required by the function, also point it out.

You have access to the following tools:
<tools>%s</tools>

The output MUST strictly adhere to the following format, and NO other text MUST be included.
The example format is as follows. Please make sure the parameter type is correct. If no function call is needed, please make the tool calls an empty list '[]'.
<tool_call>[
{"name": "func_name1", "arguments": {"argument1": "value1", "argument2": "value2"}},
... (more tool calls as required)
]</tool_call>`

// hermesPrompt tells any other model to use the hermes dialect.
const hermesPrompt = `You may call functions to help with the request. Their signatures, as JSON:
<tools>
%s
</tools>

To call a function, write its name and arguments as one JSON object between <tool_call> and </tool_call>, and nothing behind it:
<tool_call>
{"name": "function_name", "arguments": {"parameter": "value"}}
</tool_call>
The result comes back between <tool_response> and </tool_response>. If no function fits, answer without a call.`

// toolPrompt describes the tools for models whose template does not.
func toolPrompt(d *Dialect, tools []Tool) (jinja.Str, error) {
	values, err := toolValues(tools)
	if err != nil {
		return jinja.Str{}, err
	}
	if d.Name == smollm.Name {
		list, err := jinja.JSON(values)
		return fill(smollmPrompt, list), err
	}
	var lines []jinja.Str
	for i := range values.Len() {
		line, err := jinja.JSON(values.At(i))
		if err != nil {
			return jinja.Str{}, wrong(fmt.Sprintf("tools[%d]", i), "%w", err)
		}
		if i > 0 {
			lines = append(lines, plain("\n"))
		}
		lines = append(lines, line)
	}
	return fill(hermesPrompt, jinja.Join(lines...)), nil
}

func fill(prompt string, s jinja.Str) jinja.Str {
	before, after, _ := strings.Cut(prompt, "%s")
	return jinja.Join(plain(before), s, plain(after))
}
