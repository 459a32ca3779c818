package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"graft/internal/chat"
)

// Bounds of a row.
const (
	maxMessages = 1024
	maxTools    = 128
	maxParts    = 4096
)

// parse reads a line. ok is false if it has problems, which are added to p.
func parse(line int, text []byte, p *Problems) (r Row, ok bool) {
	before := p.Total
	whole := value{raw: text, line: line, to: p}
	if i := invalidUTF8(text); i >= 0 {
		whole.problem("encoding", fmt.Sprintf("byte %d is not UTF-8", i+1), "save the file as UTF-8")
		return r, false
	}
	if err := syntax(text); err != nil {
		whole.problem("invalid_json", err.Error(), "write one JSON object a line")
		return r, false
	}
	o, isObject := whole.object()
	if !isObject {
		return r, false
	}
	r.Line = line
	switch {
	case o.values["input"] != nil || o.values["preferred_output"] != nil || o.values["non_preferred_output"] != nil:
		r.Kind = Preference
		preference(o, &r)
	case o.values["messages"] == nil && (o.values["prompt"] != nil || o.values["completion"] != nil):
		r.Kind = Completion
		completion(o, &r)
	default:
		r.Kind = Chat
		conversation(o, &r)
	}
	o.done()
	return r, p.Total == before
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// syntax tells where a text is not JSON.
func syntax(text []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return fmt.Errorf("not JSON, at byte %d: %w", at.Offset, err)
	}
	return err
}

func conversation(o *object, r *Row) {
	v, ok := o.find("messages")
	if !ok {
		v.problem("missing_messages_list", "is missing", "give messages, or prompt and completion, or input, preferred_output and non_preferred_output")
	} else {
		r.Messages, r.Weights = messages(v, true)
	}
	settings(o, r)
	if n := len(r.Messages); n > 0 {
		if last := r.Messages[n-1]; last.Role != "assistant" {
			value{path: fmt.Sprintf("messages[%d].role", n-1), line: o.line, to: o.to}.problem("example_missing_assistant_message",
				fmt.Sprintf("the last message is of role %q, want assistant", last.Role), "end the conversation with the answer to be learnt")
		}
	}
}

// settings reads what conversations of both kinds have beside messages.
func settings(o *object, r *Row) {
	if v, ok := o.find("tools"); ok {
		r.Tools = tools(v, false)
	}
	if v, ok := o.find("functions"); ok {
		if len(r.Tools) > 0 {
			v.problem("tools_twice", "stands beside tools", "use tools alone")
		}
		r.Tools = append(r.Tools, tools(v, true)...)
	}
	if v, ok := o.find("parallel_tool_calls"); ok {
		v.want("a boolean")
	}
}

func completion(o *object, r *Row) {
	if v, ok := o.need("prompt"); ok {
		r.Prompt, _ = v.text()
	}
	if v, ok := o.need("completion"); ok {
		if r.Completion, ok = v.text(); ok && r.Completion == "" {
			v.problem("empty", "is empty: there is nothing to learn", "write the text, or remove the row")
		}
	}
}

func preference(o *object, r *Row) {
	if v, ok := o.need("input"); ok {
		if in, ok := v.object(); ok {
			if v, ok := in.need("messages"); ok {
				r.Messages, r.Weights = messages(v, false)
			}
			settings(in, r)
			in.done()
		}
	}
	for _, side := range []struct {
		key string
		to  *[]chat.Message
	}{{"preferred_output", &r.Preferred}, {"non_preferred_output", &r.Rejected}} {
		v, ok := o.need(side.key)
		if !ok {
			continue
		}
		*side.to, _ = messages(v, false)
		if n := len(*side.to); n > 1 {
			v.problem("too_many", fmt.Sprintf("has %d messages, want one", n), "give the one answer that is compared")
		}
		for i, m := range *side.to {
			if m.Role != "assistant" {
				value{path: fmt.Sprintf("%s[%d].role", v.path, i), line: v.line, to: v.to}.problem("example_missing_assistant_message",
					fmt.Sprintf("is %q, want assistant", m.Role), "give the answer of the assistant")
			}
		}
	}
}
