package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
)

// get shows a stored response.
func (h responsesHandler) get(c *gin.Context) {
	if stream := c.Query("stream"); stream != "" && stream != "false" {
		h.fail(c, invalid("stream", "unsupported_parameter", "Unsupported parameter: 'stream' is not supported here: a stored response is whole."), "")
		return
	}
	stored, ok := h.stored(c)
	if !ok {
		return
	}
	h.writeJSON(c, http.StatusOK, stored.Response)
}

// stored finds the response of the path, or answers with an error.
func (h responsesHandler) stored(c *gin.Context) (stored struct{ Response, Input json.RawMessage }, ok bool) {
	body, err := h.store.Get(c.Request.Context(), ownerOf(c), c.Param("id"))
	if err == nil {
		err = json.Unmarshal(body, &stored)
	}
	if err != nil {
		h.fail(c, err, "response_id")
		return stored, false
	}
	return stored, true
}

// delete forgets a stored response; those that follow it can no longer be continued.
func (h responsesHandler) delete(c *gin.Context) {
	id := c.Param("id")
	if err := h.store.Delete(c.Request.Context(), ownerOf(c), id); err != nil {
		h.fail(c, err, "response_id")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{id, "response", true})
}

// cancel is for responses in the background, which graft does not make.
func (h responsesHandler) cancel(c *gin.Context) {
	if _, ok := h.stored(c); !ok {
		return
	}
	h.fail(c, &Error{Status: 400, Type: invalidRequest, Code: "not_cancellable",
		Message: "Cannot cancel a synchronous response: only responses created with background=true can be cancelled. Close the connection of a running one instead."}, "")
}

type itemList struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	FirstID *string           `json:"first_id"`
	LastID  *string           `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

// inputItems lists what a response was asked, the latest first.
func (h responsesHandler) inputItems(c *gin.Context) {
	limit, order, err := page(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	stored, ok := h.stored(c)
	if !ok {
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(stored.Input, &items); err != nil {
		h.fail(c, err, "")
		return
	}
	if order == "desc" {
		slices.Reverse(items)
	}
	if after := c.Query("after"); after != "" {
		i := slices.IndexFunc(items, func(raw json.RawMessage) bool { return itemID(raw) == after })
		if i < 0 {
			h.fail(c, invalid("after", "invalid_value", "Invalid 'after': no item has the id '%.100s'.", after), "")
			return
		}
		items = items[i+1:]
	}
	out := itemList{Object: "list", Data: items[:min(limit, len(items))], HasMore: len(items) > limit}
	if n := len(out.Data); n > 0 {
		first, last := itemID(out.Data[0]), itemID(out.Data[n-1])
		out.FirstID, out.LastID = &first, &last
	}
	h.writeJSON(c, http.StatusOK, out)
}

func itemID(raw json.RawMessage) string {
	var it struct{ ID string }
	_ = json.Unmarshal(raw, &it) // our own JSON
	return it.ID
}

// page reads limit and order of a list.
func page(c *gin.Context) (limit int, order string, err error) {
	limit, order = 20, "desc"
	if s := c.Query("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 100 {
			return 0, "", invalid("limit", "invalid_value", "Invalid 'limit': expected a number from 1 to 100, but got '%.20s' instead.", s)
		}
	}
	if s := c.Query("order"); s != "" {
		if order = s; s != "asc" && s != "desc" {
			return 0, "", notOneOf("order", s, []string{"asc", "desc"})
		}
	}
	return limit, order, nil
}

// inputTokens counts what a request would cost before it is made.
func (h responsesHandler) inputTokens(c *gin.Context) {
	r := responsesRequest{Request: h.newRequest(c)}
	defer h.ended(c, &r.sel)
	err := h.readChoosing(c, &r.sel, r.Request, choiceRules{optional: true, free: true}, func(o *object) { r.bind(h.server, o, true) })
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	m, err := findModel(c.Request.Context(), h.models, r.Model)
	if err == nil && h.tokens == nil {
		err = errNoTokenizer
	}
	if err == nil {
		r.Model = m.ID
		err = h.prepare(c, &r)
	}
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	n, _, err := h.count(c.Request.Context(), &r)
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		Object      string `json:"object"`
		InputTokens int    `json:"input_tokens"`
	}{"response.input_tokens", n})
}
