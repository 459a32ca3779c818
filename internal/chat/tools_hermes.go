package chat

import "strings"

// hermes: <tool_call> around one object. Hermes 2 and 3, Qwen 2.5, Qwen 3,
// SmolLM3, Granite 4, and many others; also what models are told to use whose
// template knows no tools.
var hermes = &Dialect{
	Name:   "hermes",
	syntax: syntax{opens: []string{"<tool_call>"}, close: "</tool_call>"},
	form: form{begin: "<tool_call>\n" + `{"name": "NAME", "arguments": `, end: "}\n</tool_call>",
		separator: "\n"},
	newID: callID,
	match: func(template string) bool {
		return strings.Contains(template, "<tool_call>") && !strings.Contains(template, "<arg_key>")
	},
}

// smollm: one list within <tool_call>, as SmolLM2's model card tells the model.
var smollm = &Dialect{
	Name:   "smollm2",
	syntax: hermes.syntax,
	form: form{open: "<tool_call>[", begin: `{"name": "NAME", "arguments": `, end: "}",
		separator: ", ", close: "]</tool_call>"},
	newID: callID,
}

// granite: <|tool_call|> before a list. Granite 3, and Phi 4 mini, which
// closes it too.
var granite = &Dialect{
	Name:   "granite",
	syntax: syntax{opens: []string{"<|tool_call|>"}, trailer: "<|/tool_call|>"},
	form: form{open: "<|tool_call|>[", begin: `{"name": "NAME", "arguments": `, end: "}",
		separator: ", ", close: "]"},
	newID: callID,
	match: func(template string) bool { return strings.Contains(template, "<|tool_call|>") },
}

// commandR: Cohere's Command R7B.
var commandR = &Dialect{
	Name:   "command-r",
	syntax: syntax{opens: []string{"<|START_ACTION|>"}, close: "<|END_ACTION|>"},
	form: form{open: "<|START_ACTION|>[", begin: `{"tool_call_id": "0", "tool_name": "NAME", "parameters": `, end: "}",
		separator: ", ", close: "]<|END_ACTION|>"},
	newID: callID,
	match: func(template string) bool { return strings.Contains(template, "<|START_ACTION|>") },
}
