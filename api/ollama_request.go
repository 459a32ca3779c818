package api

import (
	"fmt"
	"math"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/internal/chat"
	"graft/serving"
)

// ollamaRequest is a request of /api/chat or /api/generate, decoded.
type ollamaRequest struct {
	*serving.Request
	sel    selection
	stream bool
	system string // generate
	raw    bool   // generate: the prompt is not put into the chat template
}

// newOllamaRequest has Ollama's defaults (DefaultOptions of its api package),
// except for the penalty of repetitions: Ollama's looks back 64 tokens, graft's
// at everything, so it is off unless asked for.
func (s *server) newOllamaRequest(c *gin.Context) *ollamaRequest {
	r := &ollamaRequest{Request: s.newRequest(c), stream: true}
	r.Sampling.Temperature, r.Sampling.TopK, r.Sampling.TopP = 0.8, 40, 0.9
	r.ParallelTools = true
	r.ToolChoice.Mode = "none"
	return r
}

func (r *ollamaRequest) bindCommon(o *object) {
	o.bool("stream", &r.stream)
	o.accept("keep_alive", "shift", "truncate") // models stay by use; a prompt that is too long is an error
	if v, ok := o.value("format"); ok {
		r.Format = ollamaFormat(v)
	}
	o.object("options", r.bindOptions)
	if v, ok := o.value("think"); ok {
		r.bindThink(v)
	}
	on, top := false, 0
	o.bool("logprobs", &on)
	o.integer("top_logprobs", &top, 0, 20)
	if on {
		r.Logprobs = top
	}
}

func (r *ollamaRequest) bindChat(o *object) {
	r.bindCommon(o)
	if v, ok := o.value("messages"); ok {
		r.Messages = ollamaMessages(v)
	}
	if v, ok := o.value("tools"); ok {
		if r.Tools = tools(v); len(r.Tools) > 0 {
			r.ToolChoice.Mode = "auto"
		}
	}
}

func (r *ollamaRequest) bindGenerate(o *object) {
	r.bindCommon(o)
	o.string("prompt", &r.Prompt)
	o.string("system", &r.system)
	o.bool("raw", &r.raw)
	o.refuse("suffix", "no model here fills in the middle")
	o.refuse("template", "the model's own chat template is used; send raw to use none")
	o.refuse("context", "send the conversation to /api/chat")
	o.refuse("images", "graft reads text only")
	o.refuse("width", "graft makes no images")
	o.refuse("height", "graft makes no images")
	o.refuse("steps", "graft makes no images")
}

// wrapPrompt makes a conversation of a prompt, unless it is raw or the model
// has no chat template.
func (r *ollamaRequest) wrapPrompt(m serving.Model) {
	if r.raw || !m.Chat && r.Template == "" {
		if r.system != "" && !r.raw {
			r.Prompt = r.system + "\n\n" + r.Prompt
		}
		return
	}
	if r.system != "" {
		r.Messages = append(r.Messages, chat.Text("system", r.system))
	}
	r.Messages = r.sel.withSystem(append(r.Messages, chat.Text("user", r.Prompt)))
	r.Prompt = ""
}

func (r *ollamaRequest) bindThink(v value) {
	if v.kind() == "string" {
		v.d.refuse(v.path, invalid(v.path, "unsupported_value", "Unsupported value for 'think': levels are not supported, only true and false."))
		return
	}
	r.TemplateVars = map[string]any{"enable_thinking": v.bool()}
}

func ollamaFormat(v value) serving.Format {
	if v.kind() != "string" {
		return serving.Format{Type: "json_schema", Schema: schema(v)}
	}
	switch s := v.string(); s {
	case "json":
		return serving.Format{Type: "json_object"}
	case "":
	default:
		v.d.fail(invalid(v.path, "invalid_value", "Invalid format: expected \"json\" or a JSON schema, but got '%.40s'.", s))
	}
	return serving.Format{}
}

// bindOptions reads the options that choose tokens; those that say how to run
// the model have no meaning here.
func (r *ollamaRequest) bindOptions(o *object) {
	p := &r.Sampling
	o.number("temperature", &p.Temperature, 0, 100)
	o.integer("top_k", &p.TopK, -1, math.MaxInt32)
	p.TopK = max(p.TopK, 0)
	o.number("top_p", &p.TopP, 0, 1)
	o.number("min_p", &p.MinP, 0, 1)
	o.number("presence_penalty", &p.PresencePenalty, -2, 2)
	o.number("frequency_penalty", &p.FrequencyPenalty, -2, 2)
	o.number("repeat_penalty", &p.RepetitionPenalty, 0.01, 10)
	lastN := -1
	if o.integer("repeat_last_n", &lastN, -1, math.MaxInt32) && lastN == 0 {
		p.RepetitionPenalty = 1
	} else if lastN > 0 && p.RepetitionPenalty != 1 {
		o.refuse("repeat_last_n", "repetitions are looked for in the whole text: set it to -1")
	}
	seed := -1
	if o.integer("seed", &seed, math.MinInt32, math.MaxInt64); seed >= 0 {
		n := int64(seed)
		p.Seed = &n
	}
	if o.integer("num_predict", &r.MaxTokens, -2, math.MaxInt32) {
		switch {
		case r.MaxTokens == 0:
			r.MaxTokens = -1 // nothing
		case r.MaxTokens < 0:
			r.MaxTokens = 0 // up to the context
		}
	}
	if v, ok := o.value("stop"); ok {
		for _, stop := range v.strings(maxStop) {
			if stop != "" {
				r.Stop = append(r.Stop, stop)
			}
		}
	}
	o.refuse("typical_p", "it is not implemented", "1", "1.0")
	o.refuse("tfs_z", "it is not implemented", "1", "1.0")
	o.refuse("mirostat", "it is not implemented")
	o.accept("mirostat_eta", "mirostat_tau", "penalize_newline")
	o.accept("num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "low_vram", "f16_kv", "vocab_only", "use_mmap", "use_mlock", "numa", "num_thread")
}

// ollamaMessages reads a conversation. Calls of tools have no ids there: they
// are numbered, and results belong to them by name, else in their order.
func ollamaMessages(v value) []chat.Message {
	var list []chat.Message
	var open []chat.ToolCall // calls without a result
	calls := 0
	v.items(maxMessages, func(_ int, item value) {
		item.object(func(o *object) {
			m := ollamaMessage(o)
			for i := range m.ToolCalls {
				if call := &m.ToolCalls[i]; call.ID == "" {
					call.ID = fmt.Sprintf("call_%d", calls)
					calls++
				}
			}
			open = append(open, m.ToolCalls...)
			if m.Role == "tool" {
				open = answerCall(&m, open)
			}
			list = append(list, m)
		})
	})
	return list
}

// answerCall gives a result the id of its call, and returns the calls still open.
func answerCall(m *chat.Message, open []chat.ToolCall) []chat.ToolCall {
	for i, call := range open {
		if (m.ToolCallID == "" || m.ToolCallID == call.ID) && (m.Name == "" || m.Name == call.Name) {
			m.ToolCallID, m.Name = call.ID, call.Name
			return append(open[:i:i], open[i+1:]...)
		}
	}
	return open
}

func ollamaMessage(o *object) chat.Message {
	var m chat.Message
	var content string
	o.require("role")
	if v, ok := o.value("role"); ok {
		m.Role = strings.ToLower(v.string())
		if m.Role != "system" && m.Role != "user" && m.Role != "assistant" && m.Role != "tool" && o.d.err == nil {
			o.d.fail(notOneOf(v.path, m.Role, []string{"system", "user", "assistant", "tool"}))
		}
	}
	given := o.string("content", &content)
	o.string("thinking", &m.Reasoning)
	o.string("tool_name", &m.Name)
	o.string("name", &m.Name)
	o.string("tool_call_id", &m.ToolCallID)
	o.refuse("images", "graft reads text only")
	if v, ok := o.value("tool_calls"); ok {
		v.items(maxParts, func(_ int, item value) {
			item.object(func(o *object) { m.ToolCalls = append(m.ToolCalls, ollamaCall(o)) })
		})
	}
	if (given && content != "") || len(m.ToolCalls) == 0 {
		m.Content, m.Plain = []chat.Part{{Type: "text", Text: content}}, true
	}
	return m
}

func ollamaCall(o *object) (call chat.ToolCall) {
	o.string("id", &call.ID)
	o.accept("type")
	o.require("function")
	o.object("function", func(o *object) {
		o.accept("index", "description")
		o.require("name")
		o.string("name", &call.Name)
		call.Arguments = "{}"
		if v, ok := o.value("arguments"); ok {
			call.Arguments = string(schema(v))
		}
	})
	return call
}
