package api

import (
	"encoding/json"
	"slices"

	"graft/internal/chat"
	"graft/serving"
)

// responsesRequest is a request of the responses API, decoded. Its Messages are
// set once the responses before it are known.
type responsesRequest struct {
	*serving.Request
	sel          selection
	input        []item
	instructions string
	previous     string
	stream       bool
	cut          bool     // truncation auto: drop the oldest turns that do not fit
	echo         response // what the reply repeats of the request
}

// bind reads a request; counting: that of /responses/input_tokens, which
// generates nothing.
func (r *responsesRequest) bind(s *server, o *object, counting bool) {
	e := &r.echo
	o.require("input")
	if v, ok := o.value("input"); ok {
		r.input = readItems(v)
		if len(r.input) == 0 {
			v.d.fail(invalid(v.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", v.path))
		}
	}
	if o.string("instructions", &r.instructions) {
		e.Instructions = &r.instructions
	}
	if o.string("previous_response_id", &r.previous) {
		e.PreviousResponseID = &r.previous
	}
	r.bindTools(o)
	r.bindText(o)
	e.Truncation = "disabled"
	o.enum("truncation", &e.Truncation, "auto", "disabled")
	r.cut = e.Truncation == "auto"
	o.refuse("conversation", "keep a conversation with previous_response_id")
	o.refuse("reasoning", "set what the model's chat template knows (such as enable_thinking) in chat_template_kwargs", `{"effort":null,"summary":null}`)
	if v, ok := o.value("chat_template_kwargs"); ok {
		r.TemplateVars = templateVars(v)
	}
	if !counting {
		r.bindGeneration(s, o)
	}
}

func (r *responsesRequest) bindGeneration(s *server, o *object) {
	e := &r.echo
	s.samplers(o, r.Request)
	e.Temperature, e.TopP = r.Sampling.Temperature, r.Sampling.TopP
	if o.integer("max_output_tokens", &r.MaxTokens, 1, maxInt32) {
		e.MaxOutputTokens = &r.MaxTokens
	}
	e.Store = true
	o.bool("store", &e.Store)
	e.Metadata = json.RawMessage(`{}`)
	if v, ok := o.value("metadata"); ok {
		v.entries(16, func(_ string, item value) { item.string() })
		e.Metadata = v.raw
	}
	e.User, e.SafetyIdentifier, e.PromptCacheKey = label(o, "user"), label(o, "safety_identifier"), label(o, "prompt_cache_key")
	o.accept("service_tier", "prompt_cache_options", "prompt_cache_retention")
	o.accept("max_tool_calls") // counts calls of built-in tools, of which there are none
	o.bool("stream", &r.stream)
	o.object("stream_options", func(o *object) { o.accept("include_obfuscation") })
	r.bindLogprobs(o)
	o.refuse("background", "a response is made while its request waits")
	o.refuse("prompt", "graft stores no prompt templates")
	o.refuse("context_management", "set truncation to auto")
	o.refuse("moderation", "graft does not moderate")
}

// label reads a string that the reply repeats.
func label(o *object, name string) *string {
	var text string
	if !o.string(name, &text) {
		return nil
	}
	return &text
}

func (r *responsesRequest) bindLogprobs(o *object) {
	on := false
	if v, ok := o.value("include"); ok {
		v.items(16, func(_ int, item value) {
			switch name := item.string(); name {
			case "message.output_text.logprobs":
				on = true
			case "file_search_call.results", "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url",
				"computer_call_output.output.image_url", "code_interpreter_call.outputs": // of tools that no request can have
			default:
				item.d.refuse(item.path, invalid(item.path, "unsupported_value", "Unsupported value for '%s': '%.60s'.", item.path, name))
			}
		})
	}
	if o.integer("top_logprobs", &r.echo.TopLogprobs, 0, 20) && r.echo.TopLogprobs > 0 && !on && o.d.err == nil {
		o.d.fail(invalid("top_logprobs", "invalid_parameter_combination", "Invalid 'top_logprobs': it is only allowed when 'include' has 'message.output_text.logprobs'."))
	}
	if on {
		r.Logprobs = r.echo.TopLogprobs
	}
}

// bindTools reads functions in their flat form, and gives templates the nested one.
func (r *responsesRequest) bindTools(o *object) {
	r.ParallelTools = true
	o.bool("parallel_tool_calls", &r.ParallelTools)
	if v, ok := o.value("tools"); ok {
		r.Tools = flatTools(v)
	}
	toolChoice(o, r.Request)
	e := &r.echo
	e.ParallelToolCalls, e.Tools = r.ParallelTools, responseToolsOf(r.Tools)
	e.ToolChoice = json.RawMessage(`"auto"`)
	if v, ok := o.value("tool_choice"); ok {
		e.ToolChoice = v.raw
	}
}

func nestedTool(t chat.Tool) []byte {
	b := appendString([]byte(`{"type":"function","function":{"name":`), t.Name)
	if t.Description != "" {
		b = appendString(append(b, `,"description":`...), t.Description)
	}
	if t.Parameters != nil {
		b = append(append(b, `,"parameters":`...), t.Parameters...)
	}
	return append(b, `}}`...)
}

func (r *responsesRequest) bindText(o *object) {
	r.echo.Text.Format = json.RawMessage(`{"type":"text"}`)
	o.object("text", func(o *object) {
		o.refuse("verbosity", "ask for it in the prompt", `"medium"`)
		v, ok := o.value("format")
		if !ok {
			return
		}
		r.echo.Text.Format = v.raw
		v.object(func(o *object) {
			formatType(o, &r.Format)
			if r.Format.Type == "json_schema" {
				formatSchema(o, &r.Format)
			}
		})
	})
}

// setMessages puts the conversation together: instructions, what the responses
// before it hold, and the input. Without instructions, and without a system
// message, the adapter's come first.
func (r *responsesRequest) setMessages(history []item) {
	r.Messages = nil
	if r.instructions != "" {
		r.Messages = append(r.Messages, chat.Text("system", r.instructions))
	}
	r.Messages = append(r.Messages, conversation(slices.Concat(history, r.input))...)
	r.Messages = r.sel.withSystem(r.Messages)
}
