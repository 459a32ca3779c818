package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	ollama "github.com/ollama/ollama/api"

	"graft/serving"
)

// ollamaHandler is Ollama's API, for programs that speak nothing else. Models
// are found with and without the tag ":latest".
type ollamaHandler struct {
	*server
	backend generator
	embed   embedder
}

// resolve finds a model by the name that Ollama's clients give it.
func (h ollamaHandler) resolve(c *gin.Context, name string) (serving.Model, error) {
	exchangeOf(c).model = name
	models, err := h.models.Models(c.Request.Context())
	if err != nil {
		return serving.Model{}, err
	}
	short := strings.TrimSuffix(name, ":latest")
	for _, m := range models {
		if name != "" && (m.ID == name || m.ID == short) {
			return m, nil
		}
	}
	return serving.Model{}, fmt.Errorf("model %q: %w", name, serving.ErrModelNotFound)
}

// readOllama reads a request, and finds the model that is to answer.
func (h ollamaHandler) readOllama(c *gin.Context, r *ollamaRequest, bind func(o *object)) (serving.Model, error) {
	if err := h.readChoosing(c, &r.sel, r.Request, choiceRules{latest: true}, bind); err != nil {
		return serving.Model{}, err
	}
	m, err := h.resolve(c, r.Model)
	r.Model = m.ID
	exchangeOf(c).model = r.sel.asked
	return m, err
}

// chat answers a conversation.
func (h ollamaHandler) chat(c *gin.Context) {
	r := h.newOllamaRequest(c)
	defer h.ended(c, &r.sel)
	if _, err := h.readOllama(c, r, r.bindChat); err != nil {
		h.fail(c, err, "messages")
		return
	}
	r.Messages = r.sel.withSystem(r.Messages)
	wire := func(p ollamaPiece) any {
		return ollamaChat{reportedIf(p, &r.sel), ollama.ChatResponse{
			Model: r.sel.asked, CreatedAt: h.Now().UTC(), Done: p.done != "", DoneReason: p.done, Metrics: p.metrics, Logprobs: p.logprobs,
			Message: ollama.Message{Role: "assistant", Content: p.text, Thinking: p.thinking, ToolCalls: p.calls},
		}}
	}
	if len(r.Messages) == 0 { // a request to load the model, which happens by itself
		h.writeJSON(c, http.StatusOK, wire(ollamaPiece{done: "load"}))
		return
	}
	h.answer(c, r, "messages", wire)
}

// generate answers or continues a prompt.
func (h ollamaHandler) generate(c *gin.Context) {
	r := h.newOllamaRequest(c)
	defer h.ended(c, &r.sel)
	m, err := h.readOllama(c, r, r.bindGenerate)
	if err != nil {
		h.fail(c, err, "prompt")
		return
	}
	wire := func(p ollamaPiece) any {
		return ollamaGenerate{reportedIf(p, &r.sel), ollama.GenerateResponse{
			Model: r.sel.asked, CreatedAt: h.Now().UTC(), Done: p.done != "", DoneReason: p.done, Metrics: p.metrics, Logprobs: p.logprobs,
			Response: p.text, Thinking: p.thinking, ToolCalls: p.calls,
		}}
	}
	if r.Prompt == "" {
		h.writeJSON(c, http.StatusOK, wire(ollamaPiece{done: "load"}))
		return
	}
	r.wrapPrompt(m)
	h.answer(c, r, "prompt", wire)
}

// The replies, with graft's extra fields on the last piece.
type (
	ollamaChat struct {
		reported
		ollama.ChatResponse
	}
	ollamaGenerate struct {
		reported
		ollama.GenerateResponse
	}
)

func reportedIf(p ollamaPiece, sel *selection) reported {
	if p.done == "" {
		return reported{}
	}
	return sel.reported()
}

// ollamaPiece is a part of an answer, or with done all of it.
type ollamaPiece struct {
	text, thinking string
	calls          []ollama.ToolCall
	logprobs       []ollama.Logprob
	done           string // why the answer ended; empty: it has not
	metrics        ollama.Metrics
}

// answer runs r and sends its pieces, or one that holds them all.
func (h ollamaHandler) answer(c *gin.Context, r *ollamaRequest, promptParam string, wire func(ollamaPiece) any) {
	var out *eventStream
	if r.stream {
		out = h.openLines(c)
		defer out.close()
	}
	var whole ollamaPiece
	var calls answer // tool calls are sent when they are complete
	send := func(p ollamaPiece) error {
		if out == nil {
			whole.text += p.text
			whole.thinking += p.thinking
			whole.calls = append(whole.calls, p.calls...)
			whole.logprobs = append(whole.logprobs, p.logprobs...)
			return nil
		}
		data, err := marshal(wire(p))
		if err != nil {
			return err
		}
		return out.line(data)
	}
	finish := serving.FinishStop
	start := time.Now()
	res, err := h.server.generate(c, h.backend, r.Request, func(e serving.Event) error {
		calls.add(serving.Event{ToolCalls: e.ToolCalls})
		if e.Finish != "" {
			finish = e.Finish
		}
		if e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 {
			return nil
		}
		return send(ollamaPiece{text: e.Text, thinking: e.Reasoning, logprobs: ollamaLogprobs(e.Tokens)})
	})
	if err == nil && len(calls.calls) > 0 {
		var list []ollama.ToolCall
		if list, err = ollamaCalls(calls.calls); err == nil {
			err = send(ollamaPiece{calls: list})
		}
	}
	if err != nil {
		h.failLines(c, out, err, promptParam)
		return
	}
	last := ollamaPiece{done: "stop", metrics: ollamaMetrics(res, time.Since(start))}
	if finish == serving.FinishLength {
		last.done = "length"
	}
	if out == nil {
		whole.done, whole.metrics = last.done, last.metrics
		h.writeJSON(c, http.StatusOK, wire(whole))
		return
	}
	_ = send(last) // a client that has left needs no end
}

// failLines ends a stream, or the request, by an error.
func (h ollamaHandler) failLines(c *gin.Context, out *eventStream, err error, promptParam string) {
	if out == nil || !out.started {
		h.fail(c, err, promptParam)
		return
	}
	if e := h.explain(c, err, promptParam); e.Status != clientClosedRequest {
		data, _ := marshal(ollamaError{e.Message}) // a string
		_ = out.line(data)
	}
}

func ollamaMetrics(res *serving.Result, total time.Duration) ollama.Metrics {
	return ollama.Metrics{
		TotalDuration:      total,
		PromptEvalCount:    res.Usage.Prompt,
		PromptEvalDuration: max(res.FirstToken-res.QueueTime, 0),
		EvalCount:          res.Usage.Completion,
		EvalDuration:       max(total-res.FirstToken, 0),
	}
}

func ollamaCalls(calls []serving.ToolCallDelta) ([]ollama.ToolCall, error) {
	var list []ollama.ToolCall
	for _, call := range calls {
		args := ollama.NewToolCallFunctionArguments()
		if err := json.Unmarshal([]byte(call.Arguments), &args); err != nil {
			return nil, fmt.Errorf("the model called %q with arguments that are not a JSON object: %w", call.Name, serving.ErrUnsupported)
		}
		list = append(list, ollama.ToolCall{ID: call.ID, Function: ollama.ToolCallFunction{Index: call.Index, Name: call.Name, Arguments: args}})
	}
	return list, nil
}

func ollamaLogprobs(tokens []serving.TokenLogprob) []ollama.Logprob {
	var list []ollama.Logprob
	for _, t := range tokens {
		p := ollama.Logprob{TokenLogprob: ollamaToken(t)}
		for _, alt := range t.Top {
			p.TopLogprobs = append(p.TopLogprobs, ollamaToken(alt))
		}
		list = append(list, p)
	}
	return list
}

func ollamaToken(t serving.TokenLogprob) ollama.TokenLogprob {
	out := ollama.TokenLogprob{Token: string(t.Bytes), Logprob: logprobNumber(t.Logprob)}
	for _, c := range t.Bytes {
		out.Bytes = append(out.Bytes, int(c))
	}
	return out
}
