package api

import (
	"encoding/json"
	"strconv"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// stream answers in server-sent events.
func (h chatHandler) stream(c *gin.Context, r *chatRequest) {
	out := h.openStream(c)
	defer out.close()
	w := chunkWriter{r: r, s: h.server, out: out, answers: make([]chunkState, r.N)}
	w.head = chunkHead(h.ID("chatcmpl-"), "chat.completion.chunk", h.Now().Unix(), r.sel.asked)
	w.extra = r.sel.fields()

	res, err := h.generate(c, h.backend, r.Request, w.event)
	h.endStream(c, out, err, "messages", func() error {
		if !r.includeUsage {
			return nil
		}
		return out.send(usageChunk(w.head, res))
	})
}

// endStream closes a stream of chat or completions: by a last chunk and [DONE],
// or by an error, as a response if nothing has gone out yet, else as an event.
func (s *server) endStream(c *gin.Context, out *eventStream, err error, promptParam string, last func() error) {
	if err == nil {
		if last() == nil {
			_ = out.send([]byte("[DONE]"))
		}
		return
	}
	out.close()
	if !out.started {
		s.fail(c, err, promptParam)
		return
	}
	if e := s.explain(c, err, promptParam); e.Status != clientClosedRequest {
		out.fail(e)
	}
}

// chunkHead is what all chunks of one stream begin with.
func chunkHead(id, object string, created int64, model string) []byte {
	b := appendString([]byte(`{"id":`), id)
	b = appendString(append(b, `,"object":`...), object)
	b = strconv.AppendInt(append(b, `,"created":`...), created, 10)
	return appendString(append(b, `,"model":`...), model)
}

// chunkWriter turns events into chunks.
type chunkWriter struct {
	r       *chatRequest
	s       *server
	out     *eventStream
	head    []byte
	extra   []byte // at the end of the first and of the last chunk of an answer
	buf     []byte
	answers []chunkState
}

type chunkState struct {
	begun bool
	calls int // tool calls begun
}

// event sends the chunks of one event: the role before the first piece, the
// finish reason after the last, by itself.
func (w *chunkWriter) event(e serving.Event) error {
	state := &w.answers[e.Index]
	if !state.begun {
		state.begun = true
		content := `""`
		if len(e.ToolCalls) > 0 {
			content = "null"
		}
		if err := w.chunk(e.Index, `"role":"assistant","content":`+content+`,"refusal":null`, nil, "", w.extra); err != nil {
			return err
		}
	}
	if e.Text != "" || e.Reasoning != "" || len(e.Tokens) > 0 || len(e.ToolCalls) > 0 {
		if err := w.chunk(e.Index, string(w.delta(e, state)), e.Tokens, "", nil); err != nil {
			return err
		}
	}
	if e.Finish == "" {
		return nil
	}
	return w.chunk(e.Index, "", nil, w.r.finish(e.Finish), w.extra)
}

// delta is the inside of the delta object.
func (w *chunkWriter) delta(e serving.Event, state *chunkState) []byte {
	var b []byte
	if e.Text != "" || (len(e.Tokens) > 0 && e.Reasoning == "" && len(e.ToolCalls) == 0) {
		b = appendString(append(b, `"content":`...), e.Text)
	}
	if e.Reasoning != "" {
		b = appendString(append(comma(b), `"reasoning_content":`...), e.Reasoning)
	}
	switch {
	case len(e.ToolCalls) == 0:
	case w.r.legacy: // one call at most: ParallelTools is off
		b = append(comma(b), `"function_call":`...)
		b = appendFunction(b, e.ToolCalls[0])
	default:
		b = append(comma(b), `"tool_calls":[`...)
		for i, d := range e.ToolCalls {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(b, `{"index":`...), int64(d.Index), 10)
			if d.Index >= state.calls {
				state.calls = d.Index + 1
				if d.ID == "" {
					d.ID = w.s.ID("call_")
				}
				b = appendString(append(b, `,"id":`...), d.ID)
				b = append(b, `,"type":"function"`...)
			}
			b = append(appendFunction(append(b, `,"function":`...), d), '}')
		}
		b = append(b, ']')
	}
	return b
}

func comma(b []byte) []byte {
	if len(b) > 0 {
		return append(b, ',')
	}
	return b
}

func appendFunction(b []byte, d serving.ToolCallDelta) []byte {
	b = append(b, '{')
	if d.Name != "" {
		b = append(appendString(append(b, `"name":`...), d.Name), ',')
	}
	return append(appendString(append(b, `"arguments":`...), d.Arguments), '}')
}

// chunk sends one chunk with one choice.
func (w *chunkWriter) chunk(index int, delta string, tokens []serving.TokenLogprob, finish string, extra []byte) error {
	b := append(append(w.buf[:0], w.head...), `,"system_fingerprint":null,"choices":[{"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = append(append(append(b, `,"delta":{`...), delta...), `},"logprobs":`...)
	if len(tokens) > 0 {
		b = appendLogprobs(b, tokens)
	} else {
		b = append(b, "null"...)
	}
	b = appendFinish(b, finish)
	b = append(b, ']')
	if w.r.includeUsage {
		b = append(b, `,"usage":null`...)
	}
	w.buf = append(append(b, extra...), '}')
	return w.out.send(w.buf)
}

func appendFinish(b []byte, finish string) []byte {
	b = append(b, `,"finish_reason":`...)
	if finish == "" {
		return append(b, "null}"...)
	}
	return append(appendString(b, finish), '}')
}

// usageChunk is the extra chunk of include_usage.
func usageChunk(head []byte, res *serving.Result) []byte {
	b := append(append([]byte(nil), head...), `,"system_fingerprint":`...)
	if res.Fingerprint == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, res.Fingerprint)
	}
	u, _ := json.Marshal(usageOf(res.Usage)) // numbers
	return append(append(append(b, `,"choices":[],"usage":`...), u...), '}')
}
