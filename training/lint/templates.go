package lint

import (
	"context"
	"fmt"
)

// markup is what templates of models write around messages.
var markup = pattern(`<\|?(im_start|im_end|start_header_id|end_header_id|eot_id|begin_of_text|end_of_text|endoftext|end|user|assistant|system|return|channel|message)\|>|<(start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\[(TOOL_CALLS|AVAILABLE_TOOLS)\]|(?m:^#{2,3} (Instruction|Response|Input|Human|Assistant):)|(?m:^(Human|User|Assistant|AI|Bot|ASSISTANT|USER): )`)

// templates looks for the text of chat templates in messages, which the model's own
// template writes. What the model reads as control tokens is an error of its own.
func templates(ctx context.Context, in *Input) ([]Finding, error) {
	var list []int
	text := ""
	for i := range in.Set.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := &in.Set.Rows[i]
		for _, f := range fields(r) {
			if f.name == "prompt" {
				continue // a prompt is all that the model is given
			}
			if m := markup().FindStringIndex(f.text); m != nil {
				if list = append(list, r.Line); text == "" {
					text = fmt.Sprintf("line %d, %s: %s", r.Line, f.name, excerpt(f.text, m[0]))
				}
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	f := lines("template_text", list)
	f.Message, f.Evidence, f.Fix = have(f.Count)+" text of a chat template in messages", text, "leave it out: the template of the model writes what is between messages"
	return []Finding{f}, nil
}
