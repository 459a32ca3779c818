package api

import (
	"graft/internal/chat"
)

// maxMessages and maxParts bound one conversation.
const (
	maxMessages = 8192
	maxParts    = 4096
)

// messages reads a conversation in OpenAI's form.
func messages(v value) []chat.Message {
	var list []chat.Message
	v.items(maxMessages, func(_ int, item value) {
		item.object(func(o *object) { list = append(list, message(o)) })
	})
	if len(list) == 0 {
		v.d.fail(invalid(v.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", v.path))
	}
	return list
}

func message(o *object) chat.Message {
	var m chat.Message
	o.require("role")
	o.enum("role", &m.Role, "system", "developer", "user", "assistant", "tool", "function")
	o.string("name", &m.Name)
	if content, ok := o.value("content"); ok {
		m.Content, m.Plain = parts(content)
	}
	switch m.Role {
	case "assistant":
		assistant(o, &m)
		if m.Content != nil || len(m.ToolCalls) > 0 {
			return m
		}
	case "tool":
		o.require("tool_call_id")
		o.string("tool_call_id", &m.ToolCallID)
	case "function": // the form of 2023: the answer of a function that is known by name
		o.require("name")
		m.Role, m.ToolCallID = "tool", m.Name
	}
	o.require("content")
	return m
}

// assistant reads what only the model's own turns have. Clients send replies
// back as they came, so all fields of a reply are known here.
func assistant(o *object, m *chat.Message) {
	o.string("reasoning_content", &m.Reasoning)
	if v, ok := o.value("tool_calls"); ok {
		v.items(maxParts, func(_ int, item value) {
			item.object(func(o *object) { m.ToolCalls = append(m.ToolCalls, toolCall(o)) })
		})
	}
	o.object("function_call", func(o *object) {
		call := functionCall(o)
		call.ID = call.Name
		m.ToolCalls = append(m.ToolCalls, call)
	})
	var refusal string
	if o.string("refusal", &refusal) && m.Content == nil {
		m.Content, m.Plain = []chat.Part{{Type: "text", Text: refusal}}, true
	}
	o.accept("annotations", "parsed") // notes on the text; parsed is left in by OpenAI's own client
	o.refuse("audio", "graft reads and writes text only")
}

func toolCall(o *object) chat.ToolCall {
	var call chat.ToolCall
	var kind, id string
	o.enum("type", &kind, "function")
	o.require("id")
	o.string("id", &id)
	o.accept("index") // left in by clients that collect a stream
	o.require("function")
	o.object("function", func(o *object) { call = functionCall(o) })
	call.ID = id
	return call
}

func functionCall(o *object) (call chat.ToolCall) {
	o.require("name")
	o.string("name", &call.Name)
	o.require("arguments")
	o.string("arguments", &call.Arguments)
	o.accept("parsed_arguments") // left in by OpenAI's own client
	return call
}

// parts reads the content of a message: a string, or a list of text parts.
func parts(v value) (list []chat.Part, plain bool) {
	switch v.kind() {
	case "string":
		return []chat.Part{{Type: "text", Text: v.string()}}, true
	case "array":
	default:
		v.wrongType("a string or an array of content parts")
		return nil, false
	}
	list = []chat.Part{}
	v.items(maxParts, func(_ int, item value) {
		item.object(func(o *object) { list = append(list, part(o)) })
	})
	return list, false
}

func part(o *object) chat.Part {
	p := chat.Part{Type: "text"}
	kind := ""
	o.require("type")
	o.string("type", &kind)
	switch kind {
	case "text":
		o.require("text")
		o.string("text", &p.Text)
	case "refusal":
		o.require("refusal")
		o.string("refusal", &p.Text)
	case "image_url", "input_audio", "file", "video_url", "audio_url":
		path := join(o.path, "type")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%s'. graft reads text only.", path, kind))
	default:
		if o.d.err == nil {
			o.d.fail(notOneOf(join(o.path, "type"), kind, []string{"text", "refusal"}))
		}
	}
	return p
}
