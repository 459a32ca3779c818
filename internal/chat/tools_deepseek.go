package chat

import "strings"

const (
	deepseekCalls = "<｜tool▁calls▁begin｜>"
	deepseekCall  = "<｜tool▁call▁begin｜>"
	deepseekSep   = "<｜tool▁sep｜>"
	deepseekEnd   = "<｜tool▁call▁end｜>"
	deepseekDone  = "<｜tool▁calls▁end｜>"
)

// deepseek: the arguments in a fence, behind type and name. DeepSeek V3, R1.
var deepseek = &Dialect{
	Name: "deepseek",
	syntax: syntax{
		opens:     []string{deepseekCalls + deepseekCall + "function" + deepseekSep, deepseekCall + "function" + deepseekSep},
		separator: "\n```json\n", close: "\n```" + deepseekEnd, trailer: deepseekDone,
	},
	form: form{open: deepseekCalls, begin: deepseekCall + "function" + deepseekSep + "NAME\n```json\n",
		end: "\n```" + deepseekEnd, separator: "\n", close: deepseekDone},
	newID: callID,
	match: func(template string) bool {
		return strings.Contains(template, deepseekCall) && strings.Contains(template, "```json")
	},
}

// deepseekPlain: name and arguments only. DeepSeek V3.1.
var deepseekPlain = &Dialect{
	Name: "deepseek-v3.1",
	syntax: syntax{
		opens:     []string{deepseekCalls + deepseekCall, deepseekCall},
		separator: deepseekSep, close: deepseekEnd, trailer: deepseekDone,
	},
	form: form{open: deepseekCalls, begin: deepseekCall + "NAME" + deepseekSep, end: deepseekEnd,
		close: deepseekDone},
	newID: callID,
	match: func(template string) bool { return strings.Contains(template, deepseekCall) },
}

// kimi: the name carries a running number and serves as the id. Kimi K2.
var kimi = &Dialect{
	Name: "kimi",
	syntax: syntax{
		opens:     []string{"<|tool_calls_section_begin|><|tool_call_begin|>", "<|tool_call_begin|>"},
		separator: "<|tool_call_argument_begin|>", close: "<|tool_call_end|>", trailer: "<|tool_calls_section_end|>",
		split: func(raw string) (name, id string) {
			id = strings.TrimSpace(raw)
			name, _, _ = strings.Cut(strings.TrimPrefix(id, "functions."), ":")
			return name, id
		},
	},
	form: form{open: "<|tool_calls_section_begin|>", begin: "<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>",
		end: "<|tool_call_end|>", close: "<|tool_calls_section_end|>"},
	newID: callID,
	match: func(template string) bool { return strings.Contains(template, "<|tool_call_argument_begin|>") },
}
