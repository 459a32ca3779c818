package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// modelsHandler is /v1/models.
type modelsHandler struct {
	*server
	backend modelLister
}

// modelCard is OpenAI's four fields and vLLM's three.
type modelCard struct {
	ID          string  `json:"id"`
	Object      string  `json:"object"`
	Created     int64   `json:"created"`
	OwnedBy     string  `json:"owned_by"`
	Root        string  `json:"root"`
	Parent      *string `json:"parent"` // the base of an adapter
	MaxModelLen int     `json:"max_model_len"`
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

// list shows every model that can be asked for, the default first.
func (h modelsHandler) list(c *gin.Context) {
	models, err := h.backend.Models(c.Request.Context())
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	out := modelList{Object: "list", Data: []modelCard{}}
	for _, m := range models {
		out.Data = append(out.Data, cardOf(m))
	}
	h.writeJSON(c, http.StatusOK, out)
}

// get shows one model; ids may hold slashes.
func (h modelsHandler) get(c *gin.Context) {
	id := strings.TrimPrefix(c.Param("id"), "/")
	exchangeOf(c).model = id
	m, err := findModel(c.Request.Context(), h.backend, id)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	h.writeJSON(c, http.StatusOK, cardOf(m))
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
