package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	api "github.com/sashabaranov/go-openai"

	"graft/internal/chat"
	"graft/serving"
)

// chat streams chat completions.
func (g *generation) chat() error {
	r := g.req
	if r.PromptLogprobs >= 0 {
		return unsupported("prompt_logprobs", "log-probabilities of a conversation")
	}
	if r.MaxTokens < 0 {
		return unsupported("max_tokens", "an answer of no tokens")
	}
	ask := api.ChatCompletionRequest{
		Model: g.id, Messages: messages(r.Messages), N: max(r.N, 1), Stop: r.Stop, Stream: true,
		TopP: r.Sampling.TopP, PresencePenalty: r.Sampling.PresencePenalty, FrequencyPenalty: r.Sampling.FrequencyPenalty,
		LogProbs: r.Logprobs >= 0, TopLogProbs: max(r.Logprobs, 0), ResponseFormat: format(&r.Format),
		StreamOptions: &api.StreamOptions{IncludeUsage: true}, ChatTemplateKwargs: r.TemplateVars,
	}
	if !g.opts.Extensions {
		ask.MaxCompletionTokens = r.MaxTokens
	}
	if seed := r.Sampling.Seed; seed != nil {
		n := int(*seed)
		ask.Seed = &n
	}
	if ask.Tools = tools(r); len(ask.Tools) > 0 {
		ask.ToolChoice = toolChoice(&r.ToolChoice)
		if !r.ParallelTools {
			ask.ParallelToolCalls = false
		}
	}
	stream, err := g.client.CreateChatCompletionStream(g.ctx, ask)
	if err != nil {
		return translate(g.ctx, g.id, err)
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return g.whole()
		case err != nil:
			return translate(g.ctx, g.id, err)
		}
		g.usage(chunk.Usage)
		if chunk.SystemFingerprint != "" {
			g.result.Fingerprint = chunk.SystemFingerprint
		}
		for _, c := range chunk.Choices {
			if c.Index < 0 || c.Index >= max(r.N, 1) {
				return fmt.Errorf("the endpoint sent answer %d of %d", c.Index, max(r.N, 1))
			}
			if err := g.send(chatEvent(&c)); err != nil {
				return err
			}
		}
	}
}

func chatEvent(c *api.ChatCompletionStreamChoice) serving.Event {
	e := serving.Event{Index: c.Index, Text: c.Delta.Content, Reasoning: c.Delta.ReasoningContent, Finish: finishOf(string(c.FinishReason))}
	if e.Text == "" {
		e.Text = c.Delta.Refusal
	}
	for _, t := range c.Delta.ToolCalls {
		d := serving.ToolCallDelta{ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments}
		if t.Index != nil {
			d.Index = *t.Index
		}
		e.ToolCalls = append(e.ToolCalls, d)
	}
	if c.Logprobs == nil {
		return e
	}
	for _, t := range c.Logprobs.Content {
		tok := serving.TokenLogprob{ID: -1, Bytes: bytesOf(t.Token, t.Bytes), Logprob: t.Logprob}
		for _, alt := range t.TopLogprobs {
			tok.Top = append(tok.Top, serving.TokenLogprob{ID: -1, Bytes: bytesOf(alt.Token, alt.Bytes), Logprob: alt.Logprob})
		}
		e.Tokens = append(e.Tokens, tok)
	}
	return e
}

// bytesOf are the bytes of a token, or its text where an endpoint sends none.
func bytesOf(text string, bytes []int64) []byte {
	if len(bytes) == 0 {
		return []byte(text)
	}
	out := make([]byte, len(bytes))
	for i, c := range bytes {
		out[i] = byte(c)
	}
	return out
}

func messages(list []chat.Message) []api.ChatCompletionMessage {
	var out []api.ChatCompletionMessage
	for _, m := range list {
		var text strings.Builder
		for _, p := range m.Content {
			text.WriteString(p.Text)
		}
		w := api.ChatCompletionMessage{Role: m.Role, Content: text.String(), Name: m.Name, ReasoningContent: m.Reasoning, ToolCallID: m.ToolCallID}
		for _, c := range m.ToolCalls {
			w.ToolCalls = append(w.ToolCalls, api.ToolCall{ID: c.ID, Type: api.ToolTypeFunction, Function: api.FunctionCall{Name: c.Name, Arguments: c.Arguments}})
		}
		out = append(out, w)
	}
	return out
}

// tools are the tools that may be called.
func tools(r *serving.Request) []api.Tool {
	if r.ToolChoice.Mode == "none" {
		return nil
	}
	var out []api.Tool
	for _, t := range r.Tools {
		if len(r.ToolChoice.Names) > 0 && !slices.Contains(r.ToolChoice.Names, t.Name) {
			continue
		}
		f := &api.FunctionDefinition{Name: t.Name, Description: t.Description, Strict: t.Strict, Parameters: t.Parameters}
		if t.Parameters == nil {
			f.Parameters = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		out = append(out, api.Tool{Type: api.ToolTypeFunction, Function: f})
	}
	return out
}

func toolChoice(c *serving.ToolChoice) any {
	switch {
	case c.Mode == "named" && len(c.Names) == 1:
		return api.ToolChoice{Type: api.ToolTypeFunction, Function: api.ToolFunction{Name: c.Names[0]}}
	case c.Mode == "named":
		return "required"
	case c.Mode == "":
		return "auto"
	}
	return c.Mode
}

// format is response_format; what it cannot say is in the extras.
func format(f *serving.Format) *api.ChatCompletionResponseFormat {
	switch f.Type {
	case "json_object":
		return &api.ChatCompletionResponseFormat{Type: api.ChatCompletionResponseFormatTypeJSONObject}
	case "json_schema":
		return &api.ChatCompletionResponseFormat{Type: api.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &api.ChatCompletionResponseFormatJSONSchema{Name: "answer", Schema: f.Schema, Strict: true}}
	}
	return nil
}
