package evals

import (
	"encoding/json"
	"strings"

	"graft/evalharness/graders"
	"graft/internal/chat"
)

// replyError is the code of a grader's reply that has no result.
const replyError = "model_grader_parse_error"

// emptySample is that of a row without an answer.
func emptySample(why *Error) Sample {
	return Sample{Input: []Said{}, Output: []Said{}, Error: why}
}

// sampled is what a model was asked and has answered.
func sampled(asked []chat.Message, a *graders.Answer) Sample {
	s := Sample{
		Input: said(asked), Output: []Said{{Role: "assistant", Content: a.Text, ToolCalls: calls(a)}}, FinishReason: string(a.Finish), Model: a.Model,
		Temperature: a.Temperature, TopP: a.TopP, Seed: a.Seed, MaxTokens: a.MaxTokens,
	}
	s.Usage = SampleUsage{Prompt: a.Usage.Prompt, Completion: a.Usage.Completion, Total: a.Usage.Prompt + a.Usage.Completion, Cached: a.Usage.Cached}
	return s
}

func said(messages []chat.Message) []Said {
	list := make([]Said, len(messages))
	for i, m := range messages {
		list[i].Role = m.Role
		for _, p := range m.Content {
			list[i].Content += p.Text
		}
	}
	return list
}

// call is a call of a function in the form of chat completions.
type call struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// calls are the calls of an answer as JSON; nil: there are none.
func calls(a *graders.Answer) json.RawMessage {
	if len(a.ToolCalls) == 0 {
		return nil
	}
	list := make([]call, len(a.ToolCalls))
	for i, c := range a.ToolCalls {
		list[i].ID, list[i].Type = c.ID, "function"
		list[i].Function.Name, list[i].Function.Arguments = c.Name, c.Arguments
	}
	raw, _ := json.Marshal(list) // strings only
	return raw
}

// values are the sample that templates refer to. A structured answer is there as
// JSON too.
func values(a *graders.Answer, structured bool) map[string]any {
	var tools any = []any{}
	if raw := calls(a); raw != nil {
		tools, _ = decode(raw)
	}
	v := map[string]any{
		"model": a.Model, "output_text": a.Text, "output_tools": tools, "finish_reason": string(a.Finish),
		"choices": []any{map[string]any{
			"index": json.Number("0"), "finish_reason": string(a.Finish),
			"message": map[string]any{"role": "assistant", "content": a.Text, "tool_calls": tools},
		}},
	}
	if structured {
		if parsed, ok := parsedJSON(a.Text); ok {
			v["output_json"] = parsed
		}
	}
	return v
}

// TextValues are the namespaces of an item, as JSON, and a text that came from
// elsewhere.
func TextValues(item json.RawMessage, text string) (graders.Values, error) {
	decoded, err := decode(item)
	return graders.Values{Item: decoded, Sample: values(&graders.Answer{Text: text}, true)}, err
}

func parsedJSON(text string) (any, bool) {
	if !json.Valid([]byte(text)) {
		return nil, false
	}
	v, err := decode([]byte(text))
	return v, err == nil
}

// givenSample is the sample of a row that holds its answer. output_text is filled
// in from choices, for graders too, where the row has only these.
func givenSample(v map[string]any) Sample {
	s := Sample{Input: []Said{}, Output: []Said{}}
	s.Model, _ = v["model"].(string)
	s.FinishReason, _ = v["finish_reason"].(string)
	text, ok := v["output_text"].(string)
	if choices, _ := v["choices"].([]any); len(choices) > 0 {
		first, _ := choices[0].(map[string]any)
		message, _ := first["message"].(map[string]any)
		if s.FinishReason == "" {
			s.FinishReason, _ = first["finish_reason"].(string)
		}
		if _, given := v["output_text"]; !given {
			if text, ok = message["content"].(string); ok {
				v["output_text"] = text
			}
		}
	}
	if ok {
		s.Output = append(s.Output, Said{Role: "assistant", Content: text})
	}
	if input, ok := v["input"].([]any); ok {
		for _, x := range input {
			m, _ := x.(map[string]any)
			role, _ := m["role"].(string)
			if text, ok := content(m["content"]); ok && role != "" {
				s.Input = append(s.Input, Said{Role: role, Content: text})
			}
		}
	}
	return s
}

// judged is what a model that grades was asked and wrote, as OpenAI's samples of
// results are; nil: none was asked.
func judged(r graders.Result) json.RawMessage {
	if r.Reply == nil {
		return nil
	}
	raw, _ := json.Marshal(sampled(r.Asked, r.Reply)) // strings and finite numbers
	return json.RawMessage(strings.ToValidUTF8(string(raw), "\ufffd"))
}
