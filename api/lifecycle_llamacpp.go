package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// llamaAdapter is an adapter as GET /lora-adapters shows it. Files are the server's
// affair, so path is the name by which requests choose it.
type llamaAdapter struct {
	ID           int     `json:"id"`
	Path         string  `json:"path"`
	Scale        float32 `json:"scale"`
	TaskName     string  `json:"task_name"`
	PromptPrefix string  `json:"prompt_prefix"`
}

// llamaList is llama.cpp's list: numbers, and the scales that hold for requests to
// a base model which do not choose.
func (h adaptersHandler) llamaList(c *gin.Context) {
	out := []llamaAdapter{}
	entries, err := h.visible(c.Request.Context(), exchangeOf(c).key)
	if err != nil {
		h.failed(c, err)
		return
	}
	for _, n := range h.loras.list(entries) {
		out = append(out, llamaAdapter{ID: n.ID, Path: n.Name, Scale: n.Scale})
	}
	h.writeJSON(c, http.StatusOK, out)
}

// llamaSet sets the scales; what is not listed falls to 0. Requests that run keep
// theirs, since they hold what they chose.
func (h adaptersHandler) llamaSet(c *gin.Context) {
	scales := map[string]float32{}
	entries, err := h.Adapters.List(c.Request.Context())
	if err == nil {
		known, on := map[int]numbered{}, map[string]int{}
		for _, n := range h.loras.list(entries) {
			known[n.ID] = n
		}
		err = h.readItems(c, func(item value) {
			var id int
			var scale float32
			item.object(func(o *object) {
				o.require("id")
				o.require("scale")
				o.integer("id", &id, 0, maxInt32)
				o.number("scale", &scale, -100, 100)
			})
			n, ok := known[id]
			_, twice := scales[n.Name]
			if scale != 0 {
				on[n.Base]++
			}
			switch {
			case !ok:
				item.d.fail(invalid(join(item.path, "id"), "invalid_value", "There is no adapter with the id %d: GET /lora-adapters lists them.", id))
			case twice:
				item.d.fail(invalid(join(item.path, "id"), "duplicate_adapter", "The id %d appears twice.", id))
			}
			if on[n.Base] > maxAdapters {
				item.d.fail(invalid(item.path, "invalid_value", "At most %d adapters of one base may have a scale other than 0.", maxAdapters))
			}
			scales[n.Name] = scale
		})
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.loras.setScales(scales)
	h.writeJSON(c, http.StatusOK, map[string]bool{"success": true})
}

// maxScales bounds the list of POST /lora-adapters.
const maxScales = 4096

// readItems reads a body that is a JSON array.
func (h adaptersHandler) readItems(c *gin.Context, f func(item value)) error {
	body, err := h.readBody(c)
	if err != nil {
		return err
	}
	if err := checkJSON(body); err != nil {
		return err
	}
	d := &decoder{strict: true}
	root := value{d: d, raw: body[skipSpace(body, 0):]}
	if root.kind() != "array" {
		return badJSON("it must be an array, but is " + root.describe())
	}
	root.items(maxScales, func(_ int, item value) { f(item) })
	if d.err != nil {
		return d.err
	}
	return nil
}
