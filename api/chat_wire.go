package api

import (
	"encoding/json"

	"graft/serving"
)

// chatCompletion is the reply of chat completions.
type chatCompletion struct {
	ID                string       `json:"id"`
	Object            string       `json:"object"`
	Created           int64        `json:"created"`
	Model             string       `json:"model"` // as asked for
	Choices           []chatChoice `json:"choices"`
	Usage             usage        `json:"usage"`
	ServiceTier       string       `json:"service_tier"`
	SystemFingerprint *string      `json:"system_fingerprint"`
	reported
}

type chatChoice struct {
	Index        int             `json:"index"`
	Message      chatMessage     `json:"message"`
	Logprobs     json.RawMessage `json:"logprobs"`
	FinishReason string          `json:"finish_reason"`
}

// chatMessage has null content when the model only called tools.
type chatMessage struct {
	Role         string        `json:"role"`
	Content      *string       `json:"content"`
	Refusal      *string       `json:"refusal"`
	Reasoning    string        `json:"reasoning_content,omitempty"`
	ToolCalls    []chatCall    `json:"tool_calls,omitempty"`
	FunctionCall *chatFunction `json:"function_call,omitempty"`
	Annotations  []struct{}    `json:"annotations"`
}

type chatCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// choice is the i-th answer on the wire.
func (r *chatRequest) choice(s *server, i int, a *answer) chatChoice {
	m := chatMessage{Role: "assistant", Reasoning: string(a.reasoning), Annotations: []struct{}{}}
	if len(a.text) > 0 || len(a.calls) == 0 {
		text := string(a.text)
		m.Content = &text
	}
	for _, call := range a.calls {
		if r.legacy {
			m.FunctionCall = &chatFunction{call.Name, call.Arguments}
			break
		}
		if call.ID == "" {
			call.ID = s.ID("call_")
		}
		m.ToolCalls = append(m.ToolCalls, chatCall{call.ID, "function", chatFunction{call.Name, call.Arguments}})
	}
	c := chatChoice{Index: i, Message: m, FinishReason: r.finish(a.finish)}
	if r.Logprobs >= 0 {
		c.Logprobs = appendLogprobs(nil, a.tokens)
	}
	return c
}

// finish is why an answer ended, in the words that the client knows.
func (r *chatRequest) finish(f serving.FinishReason) string {
	if r.legacy && f == serving.FinishToolCalls {
		return "function_call"
	}
	return string(f)
}
