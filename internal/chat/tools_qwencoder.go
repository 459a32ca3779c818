package chat

import "strings"

// qwenCoder: tags instead of JSON. Qwen3-Coder, Nemotron 3 Nano, Qwen 3.5.
// A parameter's value is plain text; its type follows from the tool's schema.
var qwenCoder = &Dialect{
	Name:   "qwen3-coder",
	syntax: syntax{opens: []string{"<tool_call>", "<function="}, close: "</tool_call>", tags: true},
	newID:  callID,
	match: func(template string) bool {
		return strings.Contains(template, "<function=") && strings.Contains(template, "<parameter=")
	},
}
