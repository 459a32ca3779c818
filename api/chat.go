package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// chatHandler is /v1/chat/completions.
type chatHandler struct {
	*server
	backend generator
}

// chatRequest is a request of chat completions, decoded.
type chatRequest struct {
	*serving.Request
	sel          selection
	stream       bool
	includeUsage bool
	legacy       bool // functions and function_call of 2023
}

// create answers a conversation.
func (h chatHandler) create(c *gin.Context) {
	r := chatRequest{Request: h.newRequest(c)}
	defer h.ended(c, &r.sel)
	if err := h.readChoosing(c, &r.sel, r.Request, choiceRules{}, func(o *object) { r.bind(h.server, o) }); err != nil {
		h.fail(c, err, "messages")
		return
	}
	r.Messages = r.sel.withSystem(r.Messages)
	if r.stream {
		h.stream(c, &r)
		return
	}
	got := answers{list: make([]answer, r.N)}
	res, err := h.generate(c, h.backend, r.Request, got.add)
	if err != nil {
		h.fail(c, err, "messages")
		return
	}
	out := chatCompletion{
		ID: h.ID("chatcmpl-"), Object: "chat.completion", Created: h.Now().Unix(), Model: r.sel.asked, reported: r.sel.reported(),
		Usage: usageOf(res.Usage), ServiceTier: "default", SystemFingerprint: orNull(res.Fingerprint),
	}
	for i := range got.list {
		out.Choices = append(out.Choices, r.choice(h.server, i, &got.list[i]))
	}
	h.writeJSON(c, http.StatusOK, out)
}

func (r *chatRequest) bind(s *server, o *object) {
	o.require("messages")
	if v, ok := o.value("messages"); ok {
		r.Messages = messages(v)
	}
	s.sampling(o, r.Request)
	r.bindLogprobs(o)
	r.bindTools(o)
	constraints(o, &r.Format)
	if v, ok := o.value("chat_template_kwargs"); ok {
		r.TemplateVars = templateVars(v)
	}
	maxTokens(o, r.Request)
	r.stream, r.includeUsage = streaming(o)
	prediction(o, r.Request)
	commonFields(o)
}

// maxTokens reads the limit by its new name and by its old one.
func maxTokens(o *object, r *serving.Request) {
	old := o.integer("max_tokens", &r.MaxTokens, 1, maxInt32)
	if o.integer("max_completion_tokens", &r.MaxTokens, 1, maxInt32) && old && o.d.err == nil {
		o.d.fail(invalid("max_tokens", "invalid_parameter_combination", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."))
	}
}

const maxInt32 = 1<<31 - 1

func (r *chatRequest) bindLogprobs(o *object) {
	var on bool
	top := 0
	o.bool("logprobs", &on)
	if o.integer("top_logprobs", &top, 0, 20) && !on && o.d.err == nil && top > 0 {
		o.d.fail(invalid("top_logprobs", "invalid_parameter_combination", "Invalid 'top_logprobs': it is only allowed when 'logprobs' is true."))
	}
	if on {
		r.Logprobs = top
	}
}

func (r *chatRequest) bindTools(o *object) {
	r.ParallelTools = true
	o.bool("parallel_tool_calls", &r.ParallelTools)
	if v, ok := o.value("tools"); ok {
		r.Tools = tools(v)
	}
	toolChoice(o, r.Request)

	v, ok := o.value("functions")
	if !ok {
		if v, ok := o.value("function_call"); ok {
			o.d.fail(invalid(v.path, "invalid_value", "Invalid value for 'function_call': it is only allowed when 'functions' are specified."))
		}
		return
	}
	if len(r.Tools) > 0 {
		o.d.fail(invalid("functions", "invalid_parameter_combination", "Setting 'functions' and 'tools' at the same time is not supported."))
		return
	}
	r.legacy, r.ParallelTools = true, false
	r.Tools = functions(v)
	r.ToolChoice = serving.ToolChoice{Mode: "auto"}
	v, ok = o.value("function_call")
	switch {
	case !ok:
	case v.kind() == "string":
		o.enum("function_call", &r.ToolChoice.Mode, "none", "auto")
	default:
		v.object(func(o *object) { r.ToolChoice = serving.ToolChoice{Mode: "named", Names: []string{toolName(o)}} })
		requireKnownTools(v, r.Request)
	}
}

// streaming reads stream and stream_options.
func streaming(o *object) (stream, includeUsage bool) {
	o.bool("stream", &stream)
	given := o.object("stream_options", func(o *object) {
		o.bool("include_usage", &includeUsage)
		o.accept("include_obfuscation") // padding against eavesdroppers who count bytes
	})
	if given && !stream && o.d.err == nil {
		o.d.fail(invalid("stream_options", "invalid_parameter_combination", "Invalid 'stream_options': it is only allowed when 'stream' is enabled."))
	}
	return stream, includeUsage
}
