// Package chat turns conversations into the text that a model was trained on,
// by the model's own Jinja template, and reads tool calls back out of what the
// model wrote. Serving and training share it, so that both see the same tokens.
package chat

import "encoding/json"

// Message is one turn of a conversation.
type Message struct {
	Role       string // system, developer, user, assistant, tool
	Content    []Part // nil: null content (an assistant turn that only calls tools)
	Plain      bool   // Content is one text part that came as a plain string
	Reasoning  string
	Name       string
	ToolCallID string // for role tool: which call this answers
	ToolCalls  []ToolCall
}

// Part is a piece of a message's content. Only text is supported today.
type Part struct {
	Type string // "text"
	Text string
}

// Text is a message whose content is one plain string.
func Text(role, text string) Message {
	return Message{Role: role, Content: []Part{{Type: "text", Text: text}}, Plain: true}
}

// ToolCall is one call of a function by the model.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // JSON text, as the model wrote it
}

// Tool is a function that the model may call. Raw is the whole definition in
// OpenAI's form ({"type":"function","function":{…}}), with keys in the order
// the client sent: templates print it as it came.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema; nil: no arguments
	Strict      bool
	Raw         json.RawMessage
}

// Span marks a stretch of rendered text that came out of a message.
type Span struct {
	Start, End int // bytes into the rendered text
	Message    int // index of the message; -1: other caller-supplied data (tools, documents)
}

// Rendered is a conversation as text. Control tokens may be read only outside
// Spans, a token that reaches into one included: text inside came from the
// caller and must not be able to forge a turn.
type Rendered struct {
	Text  string
	Spans []Span // ascending, not overlapping

	// Generated are the parts inside the template's generation tags: what a
	// model is trained to write. Empty for templates without such tags.
	Generated []Range
}

// Range is a stretch of text.
type Range struct{ Start, End int } // bytes
