package tokenizer

import (
	"slices"
	"strings"
)

// guarded says whether an added token is markup that a model acts on although
// its file calls it ordinary text. Such a token is not recognised in text that
// somebody else wrote. The rule for the looks of control tokens is that of
// llama.cpp (convert_hf_to_gguf.py, does_token_look_special); the named ones
// open and close parts of a turn in models of the Qwen and Hermes kind.
func guarded(content string) bool {
	return strings.HasPrefix(content, "<|") && strings.HasSuffix(content, "|>") ||
		strings.HasPrefix(content, "<｜") && strings.HasSuffix(content, "｜>") ||
		strings.HasPrefix(content, "<unused") && strings.HasSuffix(content, ">") ||
		slices.Contains(markup, content)
}

var markup = []string{
	"<pad>", "<mask>", "<2mass>", "[@BOS@]",
	"<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>",
}
