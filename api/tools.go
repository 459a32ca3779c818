package api

import (
	"slices"
	"strings"

	"graft/internal/chat"
	"graft/serving"
)

// maxTools bounds the functions of one request, as OpenAI does.
const maxTools = 128

// tools reads function definitions, each kept as it was sent as well: chat
// templates print it with its keys in that order.
func tools(v value) []chat.Tool {
	var list []chat.Tool
	names := map[string]bool{}
	v.items(maxTools, func(_ int, item value) {
		tool := chat.Tool{Raw: item.raw}
		item.object(func(o *object) {
			functionType(o)
			o.require("function")
			o.object("function", func(o *object) { function(o, &tool) })
		})
		list = append(list, uniqueTool(item, names, tool))
	})
	return list
}

// functions reads the definitions of 2023, which have no "type" around them.
func functions(v value) []chat.Tool {
	var list []chat.Tool
	names := map[string]bool{}
	v.items(maxTools, func(_ int, item value) {
		var tool chat.Tool
		item.object(func(o *object) { function(o, &tool) })
		tool.Raw = slices.Concat([]byte(`{"type":"function","function":`), item.raw, []byte(`}`))
		list = append(list, uniqueTool(item, names, tool))
	})
	return list
}

func uniqueTool(item value, names map[string]bool, tool chat.Tool) chat.Tool {
	if names[tool.Name] {
		item.d.fail(invalid(item.path, "invalid_value", "Invalid '%s': the function '%s' is defined twice.", item.path, tool.Name))
	}
	names[tool.Name] = true
	return tool
}

// functionType reads the type of a tool, of which there is one.
func functionType(o *object) {
	var kind string
	o.require("type")
	o.string("type", &kind)
	if kind != "function" && o.d.err == nil {
		path := join(o.path, "type")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%.60s'. graft runs no built-in tools: only 'function' is supported.", path, kind))
	}
}

func function(o *object, tool *chat.Tool) {
	o.require("name")
	if v, ok := o.value("name"); ok {
		tool.Name = v.string()
		checkName(v, tool.Name)
	}
	o.string("description", &tool.Description)
	o.bool("strict", &tool.Strict)
	if v, ok := o.value("parameters"); ok {
		tool.Parameters = schema(v)
	}
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// checkName holds names of functions and schemas to OpenAI's rule.
func checkName(v value, name string) {
	if v.d.err == nil && (name == "" || len(name) > 64 || strings.Trim(name, nameLetters) != "") {
		v.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': %.80q. Expected 1 to 64 letters, digits, underscores and dashes.", v.path, name))
	}
}

// schema keeps a JSON Schema as it was sent.
func schema(v value) []byte {
	if v.kind() != "object" {
		v.wrongType("an object")
		return nil
	}
	return v.raw
}

// toolChoice reads tool_choice; the tools must have been read before.
func toolChoice(o *object, r *serving.Request) {
	r.ToolChoice.Mode = "auto"
	if len(r.Tools) == 0 {
		r.ToolChoice.Mode = "none"
	}
	v, ok := o.value("tool_choice")
	if !ok {
		return
	}
	if v.kind() == "string" {
		o.enum("tool_choice", &r.ToolChoice.Mode, "none", "auto", "required")
	} else {
		v.object(func(o *object) { chosenTools(o, &r.ToolChoice) })
	}
	if len(r.Tools) == 0 && v.d.err == nil && r.ToolChoice.Mode != "none" && r.ToolChoice.Mode != "auto" {
		v.d.fail(invalid(v.path, "invalid_value", "Invalid value for '%s': '%s' is only allowed when 'tools' are specified.", v.path, v.path))
	}
	requireKnownTools(v, r)
}

func requireKnownTools(v value, r *serving.Request) {
	for _, name := range r.ToolChoice.Names {
		if v.d.err == nil && !slices.ContainsFunc(r.Tools, func(t chat.Tool) bool { return t.Name == name }) {
			v.d.fail(invalid(v.path, "invalid_value", "Invalid value for '%s': the function '%.80s' is not among the tools.", v.path, name))
		}
	}
}

// chosenTools reads {"type":"function",…} and {"type":"allowed_tools",…}, in the
// nested form of chat completions and in the flat form of responses.
func chosenTools(o *object, choice *serving.ToolChoice) {
	var kind string
	o.require("type")
	o.enum("type", &kind, "function", "allowed_tools")
	switch kind {
	case "function":
		choice.Mode, choice.Names = "named", []string{toolName(o)}
	case "allowed_tools":
		read := func(o *object) {
			o.require("mode")
			o.enum("mode", &choice.Mode, "auto", "required")
			o.require("tools")
			if v, ok := o.value("tools"); ok {
				v.items(maxTools, func(_ int, item value) {
					item.object(func(o *object) {
						functionType(o)
						choice.Names = append(choice.Names, toolName(o))
					})
				})
			}
		}
		if !o.object("allowed_tools", read) {
			read(o)
		}
	}
}

func toolName(o *object) (name string) {
	if o.object("function", func(o *object) { o.require("name"); o.string("name", &name) }) {
		return name
	}
	o.require("name")
	o.string("name", &name)
	return name
}
