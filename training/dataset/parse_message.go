package dataset

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"graft/internal/chat"
)

// messages reads a conversation. Weights are of those that are trained; weighted
// allows rows to set them.
func messages(v value, weighted bool) (list []chat.Message, weights []float32) {
	items := v.items(maxMessages)
	if items != nil && len(items) == 0 {
		v.problem("missing_messages_list", "is empty", "give at least one message")
	}
	for _, item := range items {
		m, w := chat.Message{}, float32(0)
		if o, ok := item.object(); ok {
			m, w = message(o, weighted)
			o.done()
		}
		list, weights = append(list, m), append(weights, w)
	}
	return list, weights
}

var roles = []string{"system", "developer", "user", "assistant", "tool", "function"}

func message(o *object, weighted bool) (m chat.Message, weight float32) {
	if v, ok := o.need("role"); ok {
		if m.Role, ok = v.text(); ok && !slices.Contains(roles, m.Role) {
			v.problem("unrecognized_role", fmt.Sprintf("%.40q is no role", m.Role), "use one of "+strings.Join(roles, ", "))
		}
	}
	m.Name = o.string("name")
	content, has := o.find("content")
	if has {
		m.Content, m.Plain = parts(content)
	}
	switch m.Role {
	case "assistant":
		weight = assistant(o, &m, weighted)
		if !has && len(m.ToolCalls) == 0 {
			content.problem("missing_content", "is missing, and there are no tool calls", "write what the assistant says")
		} else if weight > 0 && blank(m) {
			content.problem("empty", "is empty: there is nothing to learn", "write what the assistant says, or give the message a weight of 0")
		}
		return m, weight
	case "tool":
		if v, ok := o.need("tool_call_id"); ok {
			m.ToolCallID, _ = v.text()
		}
	case "function": // the form of 2023: the answer of a function that is known by name
		if _, ok := o.need("name"); ok {
			m.Role, m.ToolCallID = "tool", m.Name
		}
	}
	if v, ok := o.find("weight"); ok {
		v.problem("weight_of_other_role", fmt.Sprintf("belongs to a message of role %q", m.Role), "remove it: only assistant messages are trained")
	}
	if !has && m.Role != "" {
		content.problem("missing_content", "is missing", "write the text of the message")
	}
	return m, 0
}

// blank tells whether a message says nothing.
func blank(m chat.Message) bool {
	return len(m.ToolCalls) == 0 && strings.TrimSpace(Text(m)) == ""
}

// assistant reads what only the model's own turns have.
func assistant(o *object, m *chat.Message, weighted bool) (weight float32) {
	m.Reasoning = o.string("reasoning_content")
	if v, ok := o.find("tool_calls"); ok {
		for _, item := range v.items(maxParts) {
			if call, ok := item.object(); ok {
				m.ToolCalls = append(m.ToolCalls, toolCall(call))
				call.done()
			}
		}
	}
	if v, ok := o.find("function_call"); ok {
		if f, ok := v.object(); ok {
			call := functionCall(f)
			call.ID = call.Name
			m.ToolCalls = append(m.ToolCalls, call)
			f.done()
		}
	}
	if s := o.string("refusal"); s != "" && m.Content == nil {
		m.Content, m.Plain = []chat.Part{{Type: "text", Text: s}}, true
	}
	weight = 1
	if v, ok := o.find("weight"); ok {
		if !weighted {
			v.problem("message_unrecognized_key", "has no meaning in preference rows", "remove it")
		} else if json.Unmarshal(v.raw, &weight) != nil || weight != 0 && weight != 1 {
			v.problem("weight", fmt.Sprintf("is %.40s, want 0 or 1", v.raw), "write 1 to train the message, 0 to leave it out")
			weight = 1
		}
	}
	return weight
}

func toolCall(o *object) (call chat.ToolCall) {
	id := ""
	if v, ok := o.need("id"); ok {
		id, _ = v.text()
	}
	if v, ok := o.find("type"); ok {
		if s, ok := v.text(); ok && s != "function" {
			v.problem("data_type", fmt.Sprintf("is %.40q, want \"function\"", s), "write function")
		}
	}
	o.find("index") // left in by clients that collect a stream
	if v, ok := o.need("function"); ok {
		if f, ok := v.object(); ok {
			call = functionCall(f)
			f.done()
		}
	}
	call.ID = id
	return call
}

func functionCall(o *object) (call chat.ToolCall) {
	if v, ok := o.need("name"); ok {
		call.Name, _ = v.text()
	}
	if v, ok := o.need("arguments"); ok {
		if call.Arguments, ok = v.text(); ok && !isObject(call.Arguments) {
			v.problem("invalid_arguments", "are no JSON object", "write the arguments as a string that holds one, as in \"{\\\"city\\\": \\\"Rome\\\"}\"")
		}
	}
	return call
}

func isObject(text string) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &o) == nil && o != nil
}

// parts reads the content of a message: a string, or a list of text parts.
func parts(v value) (list []chat.Part, plain bool) {
	switch v.kind() {
	case "a string":
		s, ok := v.text()
		if !ok {
			s = "?" // it has its problem already
		}
		return []chat.Part{{Type: "text", Text: s}}, true
	case "an array":
	default:
		v.problem("data_type", fmt.Sprintf("is %s, want a string or an array of text parts", v.kind()), "write a string")
		return []chat.Part{}, false
	}
	list = []chat.Part{}
	for _, item := range v.items(maxParts) {
		o, ok := item.object()
		if !ok {
			continue
		}
		if v, ok := o.need("type"); ok {
			switch kind, _ := v.text(); kind {
			case "text", "refusal":
				if v, ok := o.need(kind); ok {
					s, _ := v.text()
					list = append(list, chat.Part{Type: "text", Text: s})
				}
			default:
				v.problem("unsupported_part", fmt.Sprintf("is %.40q: only text is trained", kind), "remove the row, or describe the part in words")
				continue
			}
		}
		o.done()
	}
	return list, false
}

// tools reads function definitions; bare are those of 2023, with nothing around them.
func tools(v value, bare bool) (list []chat.Tool) {
	names := map[string]bool{}
	for _, item := range v.items(maxTools) {
		o, ok := item.object()
		if !ok {
			continue
		}
		tool := chat.Tool{Raw: item.raw}
		if bare {
			tool.Raw = slices.Concat([]byte(`{"type":"function","function":`), item.raw, []byte(`}`))
			function(o, &tool)
		} else {
			if v, ok := o.need("type"); ok {
				if s, ok := v.text(); ok && s != "function" {
					v.problem("data_type", fmt.Sprintf("is %.40q, want \"function\"", s), "write function")
				}
			}
			if v, ok := o.need("function"); ok {
				if f, ok := v.object(); ok {
					function(f, &tool)
					f.done()
				}
			}
		}
		o.done()
		if names[tool.Name] && tool.Name != "" {
			item.problem("tools_twice", fmt.Sprintf("the function %.60q is defined twice", tool.Name), "keep one definition")
		}
		names[tool.Name] = true
		list = append(list, tool)
	}
	return list
}

func function(o *object, tool *chat.Tool) {
	if v, ok := o.need("name"); ok {
		tool.Name, _ = v.text()
	}
	tool.Description = o.string("description")
	if v, ok := o.find("strict"); ok && v.want("a boolean") {
		tool.Strict = string(v.raw) == "true"
	}
	if v, ok := o.find("parameters"); ok && v.want("an object") {
		tool.Parameters = v.raw
	}
}
