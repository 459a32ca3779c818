package chat

import "strings"

// mistral: [TOOL_CALLS] before a list of objects. Mistral 7B v0.3, Nemo.
var mistral = &Dialect{
	Name:   "mistral",
	syntax: mistralSyntax,
	form: form{open: "[TOOL_CALLS] [", begin: `{"name": "NAME", "arguments": `, end: "}",
		separator: ", ", close: "]"},
	newID: func() string { return randomText(9) },
	match: func(template string) bool { return strings.Contains(template, "[TOOL_CALLS]") },
}

// mistralArgs: [TOOL_CALLS] before each name, [ARGS] before its arguments.
// Mistral Small 3.2, Devstral, Ministral 3.
var mistralArgs = &Dialect{
	Name:   "mistral-args",
	syntax: mistralSyntax,
	form:   form{begin: "[TOOL_CALLS]NAME[ARGS]"},
	newID:  mistral.newID,
	match: func(template string) bool {
		return strings.Contains(template, "[TOOL_CALLS]") && strings.Contains(template, "[ARGS]")
	},
}

// Both are read for either: a tune may mix them up.
var mistralSyntax = syntax{
	opens:     []string{"[TOOL_CALLS]"},
	separator: "[ARGS]",
	idMark:    "[CALL_ID]",
	split: func(raw string) (name, id string) {
		name, id, _ = strings.Cut(raw, "[CALL_ID]")
		return name, id
	},
}
