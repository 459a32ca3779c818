package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ollama/ollama/api"

	"graft/internal/chat"
	"graft/serving"
)

// check refuses what Ollama's API has no word for.
func check(r *serving.Request) error {
	for _, f := range []struct {
		param, what string
		on          bool
	}{
		{"logit_bias", "logit_bias", len(r.Sampling.LogitBias) > 0},
		{"ignore_eos", "ignore_eos", r.IgnoreEOS},
		{"stop_token_ids", "stop_token_ids", len(r.StopIDs) > 0},
		{"prompt", "a prompt of token ids", r.PromptIDs != nil},
		{"prompt_logprobs", "log-probabilities of the prompt", r.PromptLogprobs >= 0},
		{"best_of", "best_of", r.BestOf > max(r.N, 1)},
		{"tool_choice", "tool_choice " + r.ToolChoice.Mode, len(r.Tools) > 0 && (r.ToolChoice.Mode == "required" || r.ToolChoice.Mode == "named")},
		{"tool_choice", "a choice among the tools", len(r.ToolChoice.Names) > 0},
		{"parallel_tool_calls", "switching parallel tool calls off", len(r.Tools) > 0 && r.ToolChoice.Mode != "none" && !r.ParallelTools},
		{"response_format", "format " + r.Format.Type, r.Format.Type == "regex" || r.Format.Type == "choice"},
	} {
		if f.on {
			return unsupported(f.param, f.what)
		}
	}
	for name := range r.TemplateVars {
		if _, isBool := r.TemplateVars[name].(bool); name != "enable_thinking" || !isBool {
			return unsupported("chat_template_kwargs", "template variable "+name)
		}
	}
	return nil
}

func unsupported(param, what string) error {
	return &serving.ParamError{Param: param, Message: what + " is not supported by Ollama, which serves this model"}
}

// generation is one request in progress.
type generation struct {
	*Backend
	ctx    context.Context
	req    *serving.Request
	id     string
	begin  time.Time
	emit   func(serving.Event) error
	result serving.Result

	index  int  // of the answer
	ended  bool // it came to its end
	called bool // it called a tool
}

// options are all of Ollama's options that choose tokens, so that its own
// defaults, which look back 64 tokens and cut to 40, do not come in.
func (g *generation) options() map[string]any {
	s := &g.req.Sampling
	o := map[string]any{
		"temperature": s.Temperature, "top_p": s.TopP, "top_k": s.TopK, "min_p": s.MinP,
		"repeat_penalty": s.RepetitionPenalty, "repeat_last_n": -1,
		"presence_penalty": s.PresencePenalty, "frequency_penalty": s.FrequencyPenalty,
		"num_predict": -1,
	}
	if s.Seed != nil {
		o["seed"] = *s.Seed + int64(g.index)
	}
	if g.req.MaxTokens > 0 {
		o["num_predict"] = g.req.MaxTokens
	}
	if len(g.req.Stop) > 0 {
		o["stop"] = g.req.Stop
	}
	return o
}

func (g *generation) format() json.RawMessage {
	switch f := &g.req.Format; f.Type {
	case "json_object":
		return json.RawMessage(`"json"`)
	case "json_schema":
		return f.Schema
	}
	return nil
}

func (g *generation) think() *api.ThinkValue {
	if on, ok := g.req.TemplateVars["enable_thinking"]; ok {
		return &api.ThinkValue{Value: on}
	}
	return nil
}

// no: prompts that are too long are refused, never cut.
var no = false

func (g *generation) chat() error {
	if g.req.MaxTokens < 0 {
		return unsupported("max_tokens", "an answer of no tokens")
	}
	list, err := messages(g.req.Messages)
	if err != nil {
		return err
	}
	ask := &api.ChatRequest{
		Model: g.id, Messages: list, Format: g.format(), Options: g.options(), Think: g.think(),
		Truncate: &no, Shift: &no, Logprobs: g.req.Logprobs >= 0, TopLogprobs: max(g.req.Logprobs, 0),
	}
	if g.req.ToolChoice.Mode != "none" {
		for _, t := range g.req.Tools {
			var tool api.Tool
			if err := json.Unmarshal(t.Raw, &tool); err != nil {
				return &serving.ParamError{Param: "tools", Message: fmt.Sprintf("tool %q cannot be told to Ollama: %v", t.Name, err)}
			}
			ask.Tools = append(ask.Tools, tool)
		}
	}
	calls := 0
	return g.finish(g.client.Chat(g.ctx, ask, func(r api.ChatResponse) error {
		e := serving.Event{Text: r.Message.Content, Reasoning: r.Message.Thinking, Tokens: tokens(r.Logprobs)}
		for _, c := range r.Message.ToolCalls {
			arguments, err := json.Marshal(c.Function.Arguments)
			if err != nil {
				return err
			}
			id := c.ID
			if id == "" {
				id = fmt.Sprintf("call_%d_%d", g.index, calls)
			}
			e.ToolCalls = append(e.ToolCalls, serving.ToolCallDelta{Index: calls, ID: id, Name: c.Function.Name, Arguments: string(arguments)})
			calls++
			g.called = true
		}
		return g.send(e, r.Done, r.DoneReason, &r.Metrics)
	}))
}

func (g *generation) complete() error {
	if g.req.Echo {
		if err := g.emit(serving.Event{Index: g.index, Text: g.req.Prompt}); err != nil {
			return err
		}
	}
	ask := &api.GenerateRequest{
		Model: g.id, Prompt: g.req.Prompt, Raw: true, Format: g.format(), Options: g.options(),
		Truncate: &no, Shift: &no, Logprobs: g.req.Logprobs >= 0, TopLogprobs: max(g.req.Logprobs, 0),
	}
	if g.req.MaxTokens < 0 {
		return unsupported("max_tokens", "an answer of no tokens")
	}
	return g.finish(g.client.Generate(g.ctx, ask, func(r api.GenerateResponse) error {
		return g.send(serving.Event{Text: r.Response, Reasoning: r.Thinking, Tokens: tokens(r.Logprobs)}, r.Done, r.DoneReason, &r.Metrics)
	}))
}

// send emits an event, and counts at the end.
func (g *generation) send(e serving.Event, done bool, reason string, m *api.Metrics) error {
	if g.ctx.Err() != nil {
		return context.Cause(g.ctx)
	}
	e.Index = g.index
	if done {
		g.ended = true
		e.Finish = serving.FinishStop
		switch {
		case reason == "length":
			e.Finish = serving.FinishLength
		case g.called:
			e.Finish = serving.FinishToolCalls
		}
		g.result.Usage.Prompt = m.PromptEvalCount
		g.result.Usage.Completion += m.EvalCount
	}
	if e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 && len(e.ToolCalls) == 0 && e.Finish == "" {
		return nil
	}
	if g.result.FirstToken == 0 {
		g.result.FirstToken = time.Since(g.begin)
	}
	if err := g.emit(e); err != nil {
		return emitError{err}
	}
	return nil
}

// emitError marks what emit returned, which is given back as it is.
type emitError struct{ error }

func (g *generation) finish(err error) error {
	var own emitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own.error
	}
	return translate(g.ctx, err)
}

// translate makes an error of serving of what the client met.
func translate(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e api.StatusError
	if !errors.As(err, &e) {
		return fmt.Errorf("asking Ollama: %w", err)
	}
	message := e.ErrorMessage
	switch {
	case strings.Contains(message, "no chat template"):
		return fmt.Errorf("%w: %s", serving.ErrNoChatTemplate, message)
	case strings.Contains(message, "context length") || strings.Contains(message, "prompt too long"):
		return fmt.Errorf("%w: %s", serving.ErrContextLength, message)
	case e.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s", serving.ErrModelNotFound, message)
	case e.StatusCode == http.StatusServiceUnavailable || e.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", serving.ErrOverloaded, message)
	case e.StatusCode == http.StatusBadRequest:
		return &serving.ParamError{Message: message}
	}
	return fmt.Errorf("ollama answered with status %d: %s", e.StatusCode, message)
}

// messages are a conversation in Ollama's form. Results of tools carry the name
// of the tool, which OpenAI's leave to the call.
func messages(list []chat.Message) ([]api.Message, error) {
	var out []api.Message
	names := map[string]string{}
	for _, m := range list {
		var text strings.Builder
		for _, p := range m.Content {
			text.WriteString(p.Text)
		}
		w := api.Message{Role: m.Role, Content: text.String(), Thinking: m.Reasoning, ToolCallID: m.ToolCallID, ToolName: m.Name}
		if m.Role == "developer" {
			w.Role = "system"
		}
		if m.Role == "tool" && w.ToolName == "" {
			w.ToolName = names[m.ToolCallID]
		}
		for i, c := range m.ToolCalls {
			call := api.ToolCall{ID: c.ID, Function: api.ToolCallFunction{Index: i, Name: c.Name}}
			if err := json.Unmarshal([]byte(c.Arguments), &call.Function.Arguments); err != nil {
				return nil, &serving.ParamError{Param: "messages", Message: fmt.Sprintf("the arguments of call %q are not a JSON object: %v", c.ID, err)}
			}
			names[c.ID] = c.Name
			w.ToolCalls = append(w.ToolCalls, call)
		}
		out = append(out, w)
	}
	return out, nil
}

func tokens(list []api.Logprob) []serving.TokenLogprob {
	var out []serving.TokenLogprob
	for _, l := range list {
		t := tokenOf(&l.TokenLogprob)
		for i := range l.TopLogprobs {
			t.Top = append(t.Top, tokenOf(&l.TopLogprobs[i]))
		}
		out = append(out, t)
	}
	return out
}

func tokenOf(l *api.TokenLogprob) serving.TokenLogprob {
	t := serving.TokenLogprob{ID: -1, Bytes: []byte(l.Token), Logprob: l.Logprob}
	if len(l.Bytes) > 0 {
		t.Bytes = make([]byte, len(l.Bytes))
		for i, c := range l.Bytes {
			t.Bytes[i] = byte(c)
		}
	}
	return t
}
