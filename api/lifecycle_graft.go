package api

import (
	"errors"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// list shows the adapters that the client may use.
func (h adaptersHandler) list(c *gin.Context) {
	out, err := h.listing(c.Request.Context(), c)
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, out)
}

// get shows one adapter, its report or its history; or what is in memory.
func (h adaptersHandler) get(c *gin.Context) {
	name, action := target(c)
	if name == "residency" && action == "" {
		h.showResidency(c)
		return
	}
	e, err := h.entry(c, name)
	if action == "history" && errors.Is(err, adapters.ErrNotFound) && h.admin(c) {
		err = nil // it may have been deleted
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	switch action {
	case "report":
		h.writeJSON(c, http.StatusOK, e.Report)
	case "history":
		h.history(c, name)
	case "verdicts":
		h.verdicts(c, e)
	default:
		h.writeJSON(c, http.StatusOK, h.wireWhole(c, e))
	}
}

type eventObject struct {
	Time       int64  `json:"time"`
	Action     string `json:"action"`
	Generation string `json:"generation"`
	By         string `json:"by,omitempty"` // id of an API key, for admins
	Note       string `json:"note,omitempty"`
}

func (h adaptersHandler) history(c *gin.Context, name string) {
	events, err := h.Adapters.History(c.Request.Context(), name)
	if err != nil {
		h.failed(c, err)
		return
	}
	data := []eventObject{}
	for _, e := range events {
		o := eventObject{Time: seconds(e.Time), Action: e.Action, Generation: e.Generation, Note: e.Note}
		if h.admin(c) {
			o.By = e.By
		}
		data = append(data, o)
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"object": "list", "data": data})
}

// act is everything that is posted to an adapter.
func (h adaptersHandler) act(c *gin.Context) {
	name, action := target(c)
	read := h.Adapters.Get
	if action == "promote" || action == "rollback" {
		read = h.Adapters.Head // the answer is about what comes after
	}
	from, err := h.entryBy(c, name, read)
	if action == "promote" && errors.Is(err, adapters.ErrNotFound) {
		// A name that is new can be given what another one stands for.
		if _, gone := read(c.Request.Context(), name); errors.Is(gone, adapters.ErrNotFound) {
			from, err = adapters.Entry{Name: name}, nil
		}
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	switch action {
	case "promote", "rollback":
		h.move(c, from, action)
	case "load", "unload":
		h.bring(c, from, action)
	case "verdicts":
		h.record(c, from)
	case "pin", "unpin":
		h.pin(c, from, action == "pin")
	default:
		h.noRoute(c)
	}
}

// move lets a name stand for another generation.
func (h adaptersHandler) move(c *gin.Context, from adapters.Entry, action string) {
	change := adapters.Change{By: exchangeOf(c).key.ID}
	err := h.readOptional(c, func(o *object) {
		bindGeneration(o, "generation", &change.Generation)
		bindGeneration(o, "expected_generation", &change.Expected)
		if action == "promote" && o.string("from", &change.From) && change.Generation != "" {
			o.d.fail(invalid("from", "invalid_value", "Invalid 'from': give the generation or the name that has it, not both."))
		}
		if action == "promote" {
			o.string("run", &change.Run)
			if v, ok := o.value("force"); ok {
				change.Force = v.bool()
			}
		}
	})
	ctx := c.Request.Context()
	var to adapters.Entry
	switch {
	case err != nil:
	case action == "promote":
		to, err = h.Adapters.Promote(ctx, from.Name, change)
	default:
		to, err = h.Adapters.Rollback(ctx, from.Name, change)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.moved(ctx, from, to)
	h.writeJSON(c, http.StatusOK, h.wireWhole(c, to))
}

// delete takes a name away. Requests that run keep what they have.
func (h adaptersHandler) delete(c *gin.Context) {
	name, _ := target(c)
	change := adapters.Change{}
	var err error
	for key, values := range c.Request.URL.Query() {
		if key != "expected_generation" {
			err = invalid(key, "unknown_parameter", "Unknown parameter: '%s'.", clip(key, 100))
			break
		}
		if change.Expected = values[0]; !generationPattern.MatchString(change.Expected) {
			err = invalidGeneration(key, change.Expected)
			break
		}
	}
	if err == nil {
		err = h.remove(c, name, change)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"id": name, "object": "lora_adapter", "deleted": true})
}

// remove deletes a name and lets go of its generation.
func (h adaptersHandler) remove(c *gin.Context, name string, change adapters.Change) error {
	from, err := h.entry(c, name)
	if err != nil {
		return err
	}
	change.By = exchangeOf(c).key.ID
	return h.drop(c.Request.Context(), from, change)
}

// readStrict reads a body whose unknown fields are refused whatever the
// configuration says: a misspelt field here changes what everybody is served.
func (h adaptersHandler) readStrict(c *gin.Context, bind func(o *object)) error {
	body, err := h.readBody(c)
	if err == nil {
		_, err = decode(body, true, bind)
	}
	return err
}

// readOptional is readStrict for bodies that may be left out.
func (h adaptersHandler) readOptional(c *gin.Context, bind func(o *object)) error {
	if c.Request.ContentLength == 0 {
		_, err := decode([]byte("{}"), true, bind)
		return err
	}
	return h.readStrict(c, bind)
}

var generationPattern = regexp.MustCompile(`^(sha256:)?[0-9a-f]{8,64}$`)

// bindGeneration reads a digest, or its beginning.
func bindGeneration(o *object, name string, dst *string) {
	if o.string(name, dst) && o.d.err == nil && !generationPattern.MatchString(*dst) {
		o.d.fail(invalidGeneration(name, *dst))
	}
}

func invalidGeneration(param, got string) *Error {
	return invalid(param, "invalid_generation", "Invalid '%s': expected 'sha256:' and 64 hexadecimal digits, or at least 8 of them, but got '%.80s'.", param, got)
}
