package api

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/internal/store"
)

// evalsHandler is /v1/evals. Evals and runs belong to the key that made them; for
// any other key, an admin's too, they do not exist.
type evalsHandler struct{ *server }

// needEvals stops requests on a server that keeps no evals.
func (h evalsHandler) needEvals(c *gin.Context) {
	if h.Evals == nil || h.Files == nil {
		h.fail(c, &Error{Status: http.StatusConflict, Type: invalidRequest, Code: "evals_unavailable", NoRetry: true, Message: "This server keeps no evals."}, "")
	}
}

func (s *server) client(c *gin.Context) evals.Client {
	k := exchangeOf(c).key
	return evals.Client{ID: k.ID, Name: k.Name, Admin: k.Admin}
}

// evalObject is OpenAI's eval.
type evalObject struct {
	Object    string            `json:"object"`
	ID        string            `json:"id"`
	CreatedAt int64             `json:"created_at"`
	Name      string            `json:"name"`
	Config    json.RawMessage   `json:"data_source_config"`
	Criteria  []json.RawMessage `json:"testing_criteria"`
	Metadata  map[string]string `json:"metadata"`
}

func evalObjectOf(e evals.Eval) evalObject {
	o := evalObject{Object: "eval", ID: e.ID, CreatedAt: e.Created.Unix(), Name: e.Name, Config: configObject(e.Config), Metadata: metadataObject(e.Metadata)}
	for _, c := range e.Criteria {
		o.Criteria = append(o.Criteria, withID(c.ID, c.Raw))
	}
	return o
}

// metadataObject is {} for no metadata, as OpenAI has it here.
func metadataObject(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// withID is a JSON object with another id, in the first place.
func withID(id string, raw []byte) json.RawMessage {
	out, _ := marshal(map[string]string{"id": id})
	out = out[:len(out)-1]
	_ = eachMember(raw, func(key string, value []byte) error {
		if key != "id" {
			out = append(append(appendString(append(out, ','), key), ':'), value...)
		}
		return nil
	})
	return append(out, '}')
}

// configObject is data_source_config as it is returned: item_schema becomes the
// schema of a row.
func configObject(c evals.Config) json.RawMessage {
	item := c.Schema
	if c.Type != "custom" {
		item = json.RawMessage(`{"type":"object"}`)
	}
	out := appendString([]byte(`{"type":`), c.Type)
	out = append(out, `,"schema":{"type":"object","properties":{"item":`...)
	out = append(out, item...)
	if c.Sample || c.Type != "custom" {
		out = append(out, `,"sample":`+sampleSchema...)
	}
	out = append(out, `},"required":["item"]}`...)
	if c.Type != "custom" {
		metadata := c.Metadata
		if metadata == nil {
			metadata = json.RawMessage(`{}`)
		}
		out = append(append(out, `,"metadata":`...), metadata...)
	}
	return append(out, '}')
}

// sampleSchema is what include_sample_schema adds.
const sampleSchema = `{"type":"object","properties":{"model":{"type":"string"},"choices":{"type":"array","items":{"type":"object"}},` +
	`"output_text":{"type":"string"},"output_json":{"type":"object"},"output_tools":{"type":"array","items":{"type":"object"}}},"required":["model","choices"]}`

func (h evalsHandler) create(c *gin.Context) {
	var spec evals.Spec
	err := h.read(c, func(o *object) { bindEval(o, &spec) })
	var e evals.Eval
	if err == nil {
		e, err = h.Evals.Create(c.Request.Context(), h.client(c), spec)
	}
	if err != nil {
		h.fail(c, evalError(err, ""), "")
		return
	}
	h.writeJSON(c, http.StatusCreated, evalObjectOf(e))
}

func (h evalsHandler) get(c *gin.Context) {
	e, err := h.Evals.Get(c.Request.Context(), h.client(c), c.Param("id"))
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, evalObjectOf(e))
}

func (h evalsHandler) update(c *gin.Context) {
	var name *string
	var metadata map[string]string
	var given bool
	err := h.read(c, func(o *object) {
		optional(o, "name", &name, value.string)
		var v value
		if v, given = o.value("metadata"); given {
			metadata = metadataOf(v)
		}
	})
	var e evals.Eval
	if err == nil {
		e, err = h.Evals.Update(c.Request.Context(), h.client(c), c.Param("id"), func(spec *evals.Spec) {
			set(&spec.Name, name)
			if given {
				spec.Metadata = metadata
			}
		})
	}
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, evalObjectOf(e))
}

func (h evalsHandler) delete(c *gin.Context) {
	id := c.Param("id")
	if err := h.Evals.Delete(c.Request.Context(), h.client(c), id); err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
		ID      string `json:"eval_id"`
	}{"eval.deleted", true, id})
}

// evalPage is a page of one of OpenAI's lists.
type evalPage[T any] struct {
	Object  string  `json:"object"`
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

func pageOf[T, O any](list []T, more bool, id func(T) string, object func(T) O) evalPage[O] {
	p := evalPage[O]{Object: "list", Data: []O{}, HasMore: more}
	for _, x := range list {
		p.Data = append(p.Data, object(x))
	}
	if n := len(list); n > 0 {
		first, last := id(list[0]), id(list[n-1])
		p.FirstID, p.LastID = &first, &last
	}
	return p
}

// paging reads after, limit and order.
func paging(q *query) store.Page {
	return store.Page{After: q.text("after"), Limit: q.integer("limit", 20, 1, longestPage), Descending: q.enum("order", "asc", "asc", "desc") == "desc"}
}

func (h evalsHandler) list(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	p := paging(&q)
	byUpdate := q.enum("order_by", "created_at", "created_at", "updated_at") == "updated_at"
	err := q.end()
	var list []evals.Eval
	var more bool
	if err == nil {
		list, more, err = h.Evals.List(c.Request.Context(), h.client(c), byUpdate, p)
	}
	if err != nil {
		h.fail(c, afterError(err, evals.ErrNotFound, p.After), "")
		return
	}
	h.writeJSON(c, http.StatusOK, pageOf(list, more, func(e evals.Eval) string { return e.ID }, evalObjectOf))
}
