package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/serving"
)

// modelsHandler is /v1/models: base models, and adapters under their names.
type modelsHandler struct {
	*server
	backend modelLister
}

// modelCard is OpenAI's four fields, vLLM's three, and what graft knows of an adapter.
type modelCard struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	OwnedBy     string       `json:"owned_by"`
	Root        string       `json:"root"`   // of an adapter: its generation
	Parent      *string      `json:"parent"` // the base of an adapter
	MaxModelLen int          `json:"max_model_len"`
	Graft       *adapterCard `json:"graft,omitempty"`
}

type adapterCard struct {
	Generation string `json:"generation"`
	Rank       int    `json:"rank"`
	Bytes      int64  `json:"bytes"`
	State      string `json:"state"`
	Created    int64  `json:"created"` // of the name
	Updated    int64  `json:"updated"` // when the name was given this generation
	Loaded     bool   `json:"loaded"`  // in memory now
}

type modelList struct {
	Object string      `json:"object"`
	Data   []modelCard `json:"data"`
}

func cardOf(m serving.Model) modelCard {
	card := modelCard{ID: m.ID, Object: "model", Created: m.Created.Unix(), OwnedBy: m.OwnedBy, Root: m.ID, Parent: orNull(m.Parent), MaxModelLen: m.Context}
	if m.Created.IsZero() {
		card.Created = 0
	}
	if card.OwnedBy == "" {
		card.OwnedBy = "graft"
	}
	return card
}

func (h modelsHandler) adapterCard(e adapters.Entry, models []serving.Model, loaded map[string]bool) modelCard {
	card := modelCard{
		ID: e.Name, Object: "model", Created: e.Created.Unix(), OwnedBy: "graft", Root: e.Generation, Parent: orNull(e.Base),
		Graft: &adapterCard{e.Generation, e.Rank, e.Bytes, e.State, e.Created.Unix(), e.Updated.Unix(), loaded[e.Generation]},
	}
	for _, m := range models {
		if m.ID == e.Base {
			card.MaxModelLen = m.Context
		}
	}
	return card
}

// loaded are the generations in memory.
func (h modelsHandler) loaded() map[string]bool {
	in := map[string]bool{}
	if r, ok := h.Backend.(serving.Residency); ok {
		for _, a := range r.Residents() {
			in[a.Generation] = true
		}
	}
	return in
}

// list shows every model that can be asked for, the default first, then the adapters.
func (h modelsHandler) list(c *gin.Context) {
	models, answering, err := h.catalog(c)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	loaded := h.loaded()
	out := modelList{Object: "list", Data: []modelCard{}}
	for _, m := range models {
		out.Data = append(out.Data, cardOf(m))
	}
	for _, e := range answering {
		card := h.adapterCard(e, models, loaded)
		if i := slices.IndexFunc(out.Data, func(m modelCard) bool { return m.ID == e.Name }); i >= 0 {
			out.Data[i] = card // it shadows the model
			continue
		}
		out.Data = append(out.Data, card)
	}
	h.writeJSON(c, http.StatusOK, out)
}

// catalog is the models, and the adapters that answer when their name alone is
// asked for.
func (s *server) catalog(c *gin.Context) ([]serving.Model, []adapters.Entry, error) {
	models, err := s.models.Models(c.Request.Context())
	if err != nil {
		return nil, nil, err
	}
	entries, err := s.visible(c.Request.Context(), exchangeOf(c).key)
	if err != nil {
		return nil, nil, err
	}
	answering := slices.DeleteFunc(entries, func(e adapters.Entry) bool {
		return e.State == staged || !e.Shadow && hasModel(models, e.Name)
	})
	return models, answering, nil
}

// staged is the state of a name that stands for nothing yet.
const staged = "staged"

// get shows one model or adapter, by any name that requests may use; ids may
// hold slashes.
func (h modelsHandler) get(c *gin.Context) {
	ctx, x := c.Request.Context(), exchangeOf(c)
	x.model = strings.TrimPrefix(c.Param("id"), "/")
	models, err := h.backend.Models(ctx)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	lease, err := h.named(ctx, x.key, x.model, false)
	if lease != nil {
		defer lease.Release()
		var e adapters.Entry
		if e, err = h.entryOf(ctx, lease); err == nil {
			card := h.adapterCard(e, models, h.loaded())
			card.ID = x.model
			h.writeJSON(c, http.StatusOK, card)
			return
		}
	}
	var m serving.Model
	if err == nil {
		m, err = findModel(ctx, h.backend, x.model)
	}
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	h.writeJSON(c, http.StatusOK, cardOf(m))
}

// entryOf is what is known of the generation that a lease holds, which need not
// be the one that its name stands for now.
func (s *server) entryOf(ctx context.Context, lease *adapters.Lease) (adapters.Entry, error) {
	e, err := s.registry.Get(ctx, lease.Name)
	if err != nil || e.Generation == lease.Generation {
		return e, err
	}
	list, err := s.registry.Generations(ctx)
	if err != nil {
		return e, err
	}
	for _, g := range list {
		if g.Generation == lease.Generation {
			e.Generation, e.Rank, e.Bytes, e.Updated, e.State = g.Generation, g.Rank, g.Bytes, g.Created, "stored"
			return e, nil
		}
	}
	return e, fmt.Errorf("adapter %q: generation %s: %w", lease.Name, lease.Generation, adapters.ErrNotFound)
}

// delete takes the name of an adapter away. With name@generation only if that is
// what it stands for.
func (h modelsHandler) delete(c *gin.Context) {
	ctx, x := c.Request.Context(), exchangeOf(c)
	x.model = strings.TrimPrefix(c.Param("id"), "/")
	if err := h.remove(ctx, x.key, x.model); err != nil {
		h.fail(c, err, "model")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{x.model, "model", true})
}

func (h modelsHandler) remove(ctx context.Context, key KeyInfo, id string) error {
	lease, err := h.named(ctx, key, id, false)
	if err != nil {
		return err
	}
	if lease == nil {
		m, err := findModel(ctx, h.backend, id)
		if err != nil {
			return err
		}
		return &Error{Status: http.StatusForbidden, Type: invalidRequest, Param: "model", Code: "model_not_deletable",
			Message: fmt.Sprintf("The model '%.100s' is part of the server's configuration, so it cannot be deleted here: only adapters can.", m.ID)}
	}
	defer lease.Release()
	change := adapters.Change{By: key.ID}
	if strings.Contains(id, "@") {
		change.Expected = lease.Generation
	}
	e, err := h.registry.Get(ctx, lease.Name)
	if err != nil {
		return err
	}
	return h.drop(ctx, e, change)
}

// findModel returns the model called id, or the default one for "".
func findModel(ctx context.Context, backend modelLister, id string) (serving.Model, error) {
	models, err := backend.Models(ctx)
	if err != nil {
		return serving.Model{}, err
	}
	for _, m := range models {
		if m.ID == id || id == "" {
			return m, nil
		}
	}
	return serving.Model{}, fmt.Errorf("model %q: %w", id, serving.ErrModelNotFound)
}
