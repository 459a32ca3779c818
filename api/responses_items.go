package api

import (
	"encoding/json"

	"graft/internal/chat"
)

// An item is one entry of a conversation in the responses API: a message, a
// call of a function, what the function gave, or what the model thought.
type item struct {
	Type      string // message, function_call, function_call_output, reasoning
	ID        string
	Status    string
	Role      string     // message
	Parts     []itemPart // message, reasoning; function_call_output: what the function gave
	Plain     bool       // Parts came as one string
	CallID    string     // function_call, function_call_output
	Name      string     // function_call
	Arguments string     // function_call
}

// itemPart is input_text, output_text, refusal or reasoning_text.
type itemPart struct {
	Type     string
	Text     string
	Logprobs json.RawMessage // output_text, when asked for
}

// MarshalJSON writes the fields that a part of its type has.
func (p itemPart) MarshalJSON() ([]byte, error) {
	b := appendString([]byte(`{"type":`), p.Type)
	if p.Type == "refusal" {
		b = appendString(append(b, `,"refusal":`...), p.Text)
		return append(b, '}'), nil
	}
	b = appendString(append(b, `,"text":`...), p.Text)
	if p.Type == "output_text" {
		b = append(b, `,"annotations":[],"logprobs":`...)
		if p.Logprobs == nil {
			b = append(b, "[]"...)
		}
		b = append(b, p.Logprobs...)
	}
	return append(b, '}'), nil
}

// MarshalJSON writes the fields that an item of its type has.
func (it item) MarshalJSON() ([]byte, error) {
	switch it.Type {
	case "message":
		return marshal(struct {
			ID      string     `json:"id"`
			Type    string     `json:"type"`
			Status  string     `json:"status"`
			Role    string     `json:"role"`
			Content []itemPart `json:"content"`
		}{it.ID, it.Type, it.Status, it.Role, notNil(it.Parts)})
	case "function_call":
		return marshal(struct {
			ID        string `json:"id"`
			Type      string `json:"type"`
			Status    string `json:"status"`
			CallID    string `json:"call_id"`
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		}{it.ID, it.Type, it.Status, it.CallID, it.Name, it.Arguments})
	case "function_call_output":
		var output any = notNil(it.Parts)
		if it.Plain {
			output = it.Parts[0].Text
		}
		return marshal(struct {
			ID     string `json:"id"`
			Type   string `json:"type"`
			Status string `json:"status"`
			CallID string `json:"call_id"`
			Output any    `json:"output"`
		}{it.ID, it.Type, it.Status, it.CallID, output})
	default:
		return marshal(struct {
			ID      string     `json:"id"`
			Type    string     `json:"type"`
			Status  string     `json:"status"`
			Summary []struct{} `json:"summary"`
			Content []itemPart `json:"content"`
		}{it.ID, it.Type, it.Status, []struct{}{}, notNil(it.Parts)})
	}
}

func notNil(parts []itemPart) []itemPart {
	if parts == nil {
		return []itemPart{}
	}
	return parts
}

// readItems reads the input of a response: a string, or a list of items.
func readItems(v value) []item {
	if v.kind() == "string" {
		return []item{{Type: "message", Role: "user", Parts: []itemPart{{Type: "input_text", Text: v.string()}}, Plain: true}}
	}
	if v.kind() != "array" {
		v.wrongType("a string or an array of items")
		return nil
	}
	var list []item
	v.items(maxMessages, func(_ int, entry value) {
		entry.object(func(o *object) { list = append(list, readItem(o)) })
	})
	return list
}

func readItem(o *object) item {
	it := item{Type: "message"}
	o.string("type", &it.Type)
	o.string("id", &it.ID)
	o.accept("status", "phase")
	switch it.Type {
	case "message":
		o.require("role")
		o.enum("role", &it.Role, "user", "assistant", "system", "developer")
		o.require("content")
		if v, ok := o.value("content"); ok {
			it.Parts, it.Plain = readParts(v, it.Role)
		}
	case "function_call":
		o.require("call_id")
		o.string("call_id", &it.CallID)
		o.require("name")
		o.string("name", &it.Name)
		o.require("arguments")
		o.string("arguments", &it.Arguments)
	case "function_call_output":
		o.require("call_id")
		o.string("call_id", &it.CallID)
		o.require("output")
		if v, ok := o.value("output"); ok {
			it.Parts, it.Plain = readParts(v, "user")
		}
	case "reasoning":
		o.accept("summary", "encrypted_content")
		if v, ok := o.value("content"); ok {
			it.Parts, _ = readParts(v, "assistant")
		}
	default:
		path := join(o.path, "type")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%.60s'. Supported items are message, function_call, function_call_output and reasoning.", path, it.Type))
	}
	return it
}

// readParts reads content: a string, or a list of parts.
func readParts(v value, role string) (list []itemPart, plain bool) {
	kind := "input_text"
	if role == "assistant" {
		kind = "output_text"
	}
	switch v.kind() {
	case "string":
		return []itemPart{{Type: kind, Text: v.string()}}, true
	case "array":
	default:
		v.wrongType("a string or an array of content parts")
		return nil, false
	}
	v.items(maxParts, func(_ int, entry value) {
		entry.object(func(o *object) {
			var p itemPart
			o.require("type")
			o.string("type", &p.Type)
			switch p.Type {
			case "input_text", "output_text", "reasoning_text", "text":
				o.require("text")
				o.string("text", &p.Text)
				o.accept("annotations", "logprobs") // sent back as they came
			case "refusal":
				o.require("refusal")
				o.string("refusal", &p.Text)
			default:
				if o.d.err == nil {
					path := join(o.path, "type")
					o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%.60s'. graft reads text only.", path, p.Type))
				}
			}
			if p.Type == "text" {
				p.Type = kind
			}
			list = append(list, p)
		})
	})
	return list, false
}

// conversation turns items into turns. What the model thought, said and called
// in a row is one turn of the assistant.
func conversation(items []item) []chat.Message {
	var list []chat.Message
	turn := func() *chat.Message { // the assistant's, new or going on
		if n := len(list); n > 0 && list[n-1].Role == "assistant" {
			return &list[n-1]
		}
		list = append(list, chat.Message{Role: "assistant"})
		return &list[len(list)-1]
	}
	for _, it := range items {
		switch it.Type {
		case "message":
			if n := len(list); it.Role == "assistant" && n > 0 && list[n-1].Role == "assistant" && list[n-1].Content == nil && len(list[n-1].ToolCalls) == 0 {
				list[n-1].Content, list[n-1].Plain = chatParts(it.Parts) // after its reasoning
				continue
			}
			content, plain := chatParts(it.Parts)
			list = append(list, chat.Message{Role: it.Role, Content: content, Plain: plain})
		case "function_call":
			m := turn()
			m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: it.CallID, Name: it.Name, Arguments: it.Arguments})
		case "function_call_output":
			content, plain := chatParts(it.Parts)
			list = append(list, chat.Message{Role: "tool", ToolCallID: it.CallID, Content: content, Plain: plain})
		case "reasoning":
			list = append(list, chat.Message{Role: "assistant"})
			for _, p := range it.Parts {
				list[len(list)-1].Reasoning += p.Text
			}
		}
	}
	return list
}

// chatParts is content for a template. One part is a plain string: the API has
// no other way to say so, and many templates know nothing else.
func chatParts(parts []itemPart) (list []chat.Part, plain bool) {
	list = []chat.Part{}
	for _, p := range parts {
		list = append(list, chat.Part{Type: "text", Text: p.Text})
	}
	return list, len(list) == 1
}

// nameItems gives ids to the items that came without, as a list of them needs.
func (s *server) nameItems(items []item) {
	for i := range items {
		it := &items[i]
		if it.ID == "" {
			it.ID = s.ID(map[string]string{"message": "msg_", "function_call": "fc_", "function_call_output": "fco_", "reasoning": "rs_"}[it.Type])
		}
		it.Status = "completed"
	}
}
