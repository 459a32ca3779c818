package tokenizer

import "slices"

// turnEnds are control tokens that end a turn or a generation in the models
// that have them, whether or not their files say so.
var turnEnds = []string{
	"<|im_end|>",               // ChatML: Qwen, SmolLM, Hermes
	"<|eot_id|>", "<|eom_id|>", // Llama 3
	"<|end_of_text|>", "<|endoftext|>",
	"<end_of_turn>",          // Gemma
	"<turn|>",                // Gemma 4
	"<|end|>",                // Phi
	"<|return|>", "<|call|>", // gpt-oss
	"<|end_of_turn|>", "<EOT>", "[EOT]", "<end_of_utterance>",
	"<｜end▁of▁sentence｜>", // DeepSeek
}

// setEOG gathers the ids that end a generation: those the model's files name,
// EOS, and the known ends of turns.
func (t *Tokenizer) setEOG(named []int32) {
	ids := slices.Clone(named)
	ids = append(ids, t.special.eos)
	for _, name := range turnEnds {
		if id, ok := t.addedIDs[name]; ok && t.IsControl(id) {
			ids = append(ids, id)
		}
	}
	if _, ok := t.addedIDs["<|return|>"]; ok { // there <|end|> ends a message, not the answer
		end := t.addedIDs["<|end|>"]
		ids = slices.DeleteFunc(ids, func(id int32) bool { return id == end })
	}
	ids = slices.DeleteFunc(ids, func(id int32) bool { return !t.has(id) })
	slices.Sort(ids)
	t.special.eog = slices.Compact(ids)
}
