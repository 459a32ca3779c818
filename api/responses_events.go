package api

import (
	"encoding/json"

	"graft/serving"
)

// responseBuilder turns the events of a generation into the items of a
// response, and, when there is a stream, into the named events of the
// responses API: each item and each part is added, grows, and is done.
type responseBuilder struct {
	s     *server
	out   *eventStream // nil: not streaming
	r     response
	begun bool // response.created has been sent
	seq   int
	err   error // of the stream

	open   bool // the last item of r.Output is still growing
	call   int  // index of the open call
	text   []byte
	tokens []serving.TokenLogprob
	want   bool // log-probabilities
	finish serving.FinishReason
}

func (h responsesHandler) newBuilder(r *responsesRequest, out *eventStream) *responseBuilder {
	b := &responseBuilder{s: h.server, out: out, r: r.echo, want: r.Logprobs >= 0}
	b.r.ID, b.r.Object, b.r.CreatedAt, b.r.Status = h.ID("resp_"), "response", h.Now().Unix(), "in_progress"
	b.r.reported = r.sel.reported()
	b.r.Model, b.r.ServiceTier, b.r.Output = r.sel.asked, "default", []item{}
	return b
}

// The events on the wire; the envelope adds type and sequence_number.
type (
	lifecycle struct {
		Response response `json:"response"`
	}
	itemEvent struct {
		OutputIndex int  `json:"output_index"`
		Item        item `json:"item"`
	}
	place struct {
		ItemID       string `json:"item_id"`
		OutputIndex  int    `json:"output_index"`
		ContentIndex int    `json:"content_index"`
	}
	partEvent struct {
		place
		Part itemPart `json:"part"`
	}
	textDelta struct {
		place
		Delta    string          `json:"delta"`
		Logprobs json.RawMessage `json:"logprobs,omitempty"`
	}
	textDone struct {
		place
		Text     string          `json:"text"`
		Logprobs json.RawMessage `json:"logprobs,omitempty"`
	}
	argumentsDelta struct {
		ItemID      string `json:"item_id"`
		OutputIndex int    `json:"output_index"`
		Delta       string `json:"delta"`
	}
	argumentsDone struct {
		ItemID      string `json:"item_id"`
		OutputIndex int    `json:"output_index"`
		Name        string `json:"name"`
		Arguments   string `json:"arguments"`
	}
	errorEvent struct {
		Code    *string `json:"code"`
		Message string  `json:"message"`
		Param   *string `json:"param"`
	}
)

// send sends one event; body is called only if there is a stream.
func (b *responseBuilder) send(name string, body func() any) error {
	if b.out == nil || b.err != nil {
		return b.err
	}
	fields, err := marshal(body())
	if err != nil {
		b.err = err
		return err
	}
	head, _ := marshal(struct {
		Type     string `json:"type"`
		Sequence int    `json:"sequence_number"`
	}{name, b.seq})
	b.seq++
	head[len(head)-1] = ',' // join the two objects
	b.err = b.out.event(name, append(head, fields[1:]...))
	return b.err
}

// event takes one event of the generation.
func (b *responseBuilder) event(e serving.Event) error {
	if !b.begun {
		b.begun = true
		b.send("response.created", func() any { return lifecycle{b.r} })
		b.send("response.in_progress", func() any { return lifecycle{b.r} })
	}
	if e.Reasoning != "" {
		b.grow("reasoning", "reasoning_text", e.Reasoning, nil)
	}
	if e.Text != "" || len(e.Tokens) > 0 && e.Reasoning == "" && len(e.ToolCalls) == 0 && b.writing() {
		b.grow("message", "output_text", e.Text, e.Tokens)
	}
	for _, d := range e.ToolCalls {
		b.growCall(d)
	}
	if e.Finish != "" {
		b.finish = e.Finish
		if len(b.r.Output) == 0 { // nothing at all: an empty message
			b.grow("message", "output_text", "", nil)
		}
		b.close()
	}
	return b.err
}

// writing says whether the last item is a message that grows.
func (b *responseBuilder) writing() bool { return b.open && b.last().Type == "message" }

func (b *responseBuilder) last() *item { return &b.r.Output[len(b.r.Output)-1] }

func (b *responseBuilder) place() place {
	return place{ItemID: b.last().ID, OutputIndex: len(b.r.Output) - 1}
}

// add closes what grows and opens a new item.
func (b *responseBuilder) add(it item) {
	b.close()
	it.Status = "in_progress"
	b.r.Output = append(b.r.Output, it)
	b.open = true
	b.send("response.output_item.added", func() any { return itemEvent{len(b.r.Output) - 1, it} })
}

// grow appends text to an item of one part.
func (b *responseBuilder) grow(kind, part, text string, tokens []serving.TokenLogprob) {
	if !b.open || b.last().Type != kind {
		it := item{Type: kind, ID: b.s.ID(map[string]string{"message": "msg_", "reasoning": "rs_"}[kind])}
		if kind == "message" {
			it.Role = "assistant"
		}
		b.add(it)
		b.last().Parts = []itemPart{{Type: part}}
		b.send("response.content_part.added", func() any { return partEvent{b.place(), itemPart{Type: part}} })
	}
	b.text = append(b.text, text...)
	b.tokens = append(b.tokens, tokens...)
	b.send("response."+part+".delta", func() any {
		return textDelta{b.place(), text, b.logprobs(part, tokens)}
	})
}

// logprobs is a list for output_text, and nothing for other parts.
func (b *responseBuilder) logprobs(part string, tokens []serving.TokenLogprob) json.RawMessage {
	if part != "output_text" {
		return nil
	}
	raw := json.RawMessage("[]")
	if b.want {
		raw = appendTokens(nil, tokens)
	}
	return raw
}

func (b *responseBuilder) growCall(d serving.ToolCallDelta) {
	if !b.open || b.last().Type != "function_call" || b.call != d.Index {
		if d.ID == "" {
			d.ID = b.s.ID("call_")
		}
		b.add(item{Type: "function_call", ID: b.s.ID("fc_"), CallID: d.ID, Name: d.Name})
		b.call = d.Index
	}
	if d.Arguments == "" {
		return
	}
	b.text = append(b.text, d.Arguments...)
	b.send("response.function_call_arguments.delta", func() any {
		return argumentsDelta{b.last().ID, len(b.r.Output) - 1, d.Arguments}
	})
}

// close completes the item that grows.
func (b *responseBuilder) close() {
	if !b.open {
		return
	}
	b.open = false
	it := b.last()
	it.Status = "completed"
	if b.finish == serving.FinishLength {
		it.Status = "incomplete"
	}
	text := string(b.text)
	if it.Type == "function_call" {
		it.Arguments = text
		b.send("response.function_call_arguments.done", func() any {
			return argumentsDone{it.ID, len(b.r.Output) - 1, it.Name, text}
		})
	} else {
		part := &it.Parts[0]
		part.Text, part.Logprobs = text, b.logprobs(part.Type, b.tokens)
		b.send("response."+part.Type+".done", func() any { return textDone{b.place(), text, part.Logprobs} })
		b.send("response.content_part.done", func() any { return partEvent{b.place(), *part} })
	}
	b.send("response.output_item.done", func() any { return itemEvent{len(b.r.Output) - 1, *it} })
	b.text, b.tokens = b.text[:0], nil
}

// end completes the response.
func (b *responseBuilder) end(res *serving.Result) {
	b.r.Status, b.r.Usage = "completed", responseUsageOf(res.Usage)
	if b.finish == serving.FinishLength {
		b.r.Status, b.r.IncompleteDetails = "incomplete", &incompleteDetails{"max_output_tokens"}
		return
	}
	now := b.s.Now().Unix()
	b.r.CompletedAt = &now
}
