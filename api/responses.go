package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// responsesHandler is /v1/responses.
type responsesHandler struct {
	*server
	backend generator
	tokens  serving.Tokenizer // nil: a backend that does not know its tokens
	store   ResponseStore
}

// storedResponse is the body in the store.
type storedResponse struct {
	Response json.RawMessage `json:"response"`
	Input    []item          `json:"input"`
}

// create answers an input, after the responses that it names.
func (h responsesHandler) create(c *gin.Context) {
	r := responsesRequest{Request: h.newRequest(c)}
	defer h.ended(c, &r.sel)
	if err := h.readChoosing(c, &r.sel, r.Request, choiceRules{}, func(o *object) { r.bind(h.server, o, false) }); err != nil {
		h.fail(c, err, "input")
		return
	}
	if err := h.prepare(c, &r); err != nil {
		h.fail(c, err, "input")
		return
	}
	var out *eventStream
	if r.stream {
		out = h.openStream(c)
		defer out.close()
	}
	b := h.newBuilder(&r, out)
	res, err := h.generate(c, h.backend, r.Request, b.event)
	if err == nil {
		b.end(res)
		err = h.keep(c.Request.Context(), ownerOf(c), &r, &b.r)
	}
	switch {
	case err == nil && !r.stream:
		h.writeJSON(c, http.StatusOK, b.r)
	case err == nil:
		_ = b.send("response."+b.r.Status, func() any { return lifecycle{b.r} })
	case !r.stream:
		h.fail(c, err, "input")
	default:
		h.failStream(c, b, err)
	}
}

// failStream ends a stream by an error: as a response if nothing has gone out,
// as a failed response if it has begun, else as an event.
func (h responsesHandler) failStream(c *gin.Context, b *responseBuilder, err error) {
	b.out.close()
	if !b.out.started {
		h.fail(c, err, "input")
		return
	}
	e := h.explain(c, err, "input")
	if e.Status == clientClosedRequest {
		return
	}
	if !b.begun {
		_ = b.send("error", func() any { return errorEvent{orNull(e.Code), e.Message, orNull(e.Param)} })
		return
	}
	code := "server_error"
	switch {
	case e.Status == http.StatusTooManyRequests:
		code = "rate_limit_exceeded"
	case e.Status < 500:
		code = "invalid_prompt"
	}
	b.r.Status, b.r.Error = "failed", &responseError{code, e.Message}
	_ = b.send("response.failed", func() any { return lifecycle{b.r} })
}

// prepare puts the messages together, and with truncation auto drops the oldest
// turns until the rest fits.
func (h responsesHandler) prepare(c *gin.Context, r *responsesRequest) error {
	ctx := c.Request.Context()
	history, err := h.history(ctx, ownerOf(c), r.previous)
	if err != nil {
		return err
	}
	h.nameItems(r.input)
	r.setMessages(history)
	if !r.cut {
		return nil
	}
	if h.tokens == nil {
		return errNoTokenizer
	}
	first := 0 // the instructions stay, the client's or the adapter's
	if r.instructions != "" || len(r.Messages) > 0 && r.sel.system() != "" && isSystem(r.Messages[0]) {
		first = 1
	}
	all := r.Messages
	for drop := 0; ; drop++ {
		r.Messages = slices.Concat(all[:first], all[first+drop:])
		if first+drop >= len(all)-1 {
			return nil // the last turn always stays: if it does not fit, generating says so
		}
		if role := all[first+drop].Role; drop > 0 && role == "tool" {
			continue // without the call that it answers
		}
		n, context, err := h.count(ctx, r)
		if err != nil {
			return err
		}
		if n+max(r.MaxTokens, 1) <= context {
			return nil
		}
	}
}

// count is the number of tokens of the prompt, and of the model's context.
func (h responsesHandler) count(ctx context.Context, r *responsesRequest) (n, limit int, err error) {
	tokens, err := h.tokens.Tokenize(ctx, &serving.TokenizeRequest{
		Model: r.Model, Template: r.Template, Messages: r.Messages, Tools: r.Tools, TemplateVars: r.TemplateVars, AddGenerationPrompt: true,
	})
	if err != nil {
		return 0, 0, err
	}
	return len(tokens.IDs), tokens.Context, nil
}

// maxHistory bounds the responses in one conversation.
const maxHistory = 2048

// history is the items of the response id and of all before it, oldest first.
func (h responsesHandler) history(ctx context.Context, owner, id string) ([]item, error) {
	var items []item
	for n := 0; id != ""; n++ {
		if n == maxHistory {
			return nil, invalid("previous_response_id", "invalid_value", "Invalid 'previous_response_id': the conversation has more than %d responses.", maxHistory)
		}
		body, err := h.store.Get(ctx, owner, id)
		if errors.Is(err, ErrNoResponse) {
			return nil, &Error{Status: 400, Type: invalidRequest, Param: "previous_response_id", Code: "previous_response_not_found",
				Message: fmt.Sprintf("Previous response with id '%.100s' not found.", id)}
		}
		if err != nil {
			return nil, err
		}
		turn, previous, err := readStored(body)
		if err != nil {
			return nil, fmt.Errorf("stored response %s: %w", id, err)
		}
		items = append(turn, items...)
		id = previous
	}
	return items, nil
}

// readStored returns input and output of a stored response, and the id before it.
func readStored(body []byte) (items []item, previous string, err error) {
	_, err = decode(body, false, func(o *object) {
		read := func(o *object, name string) {
			if v, ok := o.value(name); ok {
				items = append(items, readItems(v)...)
			}
		}
		read(o, "input")
		o.object("response", func(o *object) {
			read(o, "output")
			o.string("previous_response_id", &previous)
		})
	})
	return items, previous, err
}

// keep stores a response unless the request says not to.
func (h responsesHandler) keep(ctx context.Context, owner string, r *responsesRequest, done *response) error {
	if !done.Store {
		return nil
	}
	raw, err := marshal(done)
	if err != nil {
		return err
	}
	body, err := marshal(storedResponse{raw, r.input})
	if err != nil {
		return err
	}
	return h.store.Put(ctx, owner, done.ID, body)
}

// ownerOf is whose responses this client may see.
func ownerOf(c *gin.Context) string { return exchangeOf(c).key.ID }
