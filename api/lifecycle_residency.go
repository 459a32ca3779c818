package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/serving"
)

// memory is the backend's residency, or an error for those who need it.
func (s *server) memory() (serving.Residency, error) {
	if r, ok := s.Backend.(serving.Residency); ok {
		return r, nil
	}
	return nil, &Error{Status: http.StatusConflict, Type: invalidRequest, Code: "lora_runtime_unavailable", NoRetry: true,
		Message: "The backend does not tell which adapters it has in memory, and takes no orders about it."}
}

// moved tells the backend that a name stands for something else than before, or
// for nothing: memory is free as soon as the last request that has the old
// generation ends, and a pin goes where the name goes.
func (s *server) moved(ctx context.Context, from, to adapters.Entry) {
	memory, ok := s.Backend.(serving.Residency)
	if !ok {
		return
	}
	if to.Settings.Pinned {
		memory.Pin(to.Generation, true)
	}
	if from.Generation == "" {
		return
	}
	used, pinned, err := s.registry.Stands(context.WithoutCancel(ctx), from.Generation)
	if err != nil {
		return // what nobody asks for goes by itself, when its memory is needed
	}
	if !pinned {
		memory.Pin(from.Generation, false)
	}
	if !used {
		now, cancel := context.WithCancel(ctx)
		cancel() // its leases are not waited for
		_ = memory.Unload(now, from.Generation)
	}
}

// drop deletes a name and lets go of what it stood for.
func (s *server) drop(ctx context.Context, e adapters.Entry, change adapters.Change) error {
	if err := s.registry.Delete(ctx, e.Name, change); err != nil {
		return err
	}
	s.loras.forget(e.Name)
	s.moved(ctx, e, adapters.Entry{})
	return nil
}

type residentObject struct {
	Generation string   `json:"generation"`
	Model      string   `json:"model"`
	Aliases    []string `json:"aliases"`
	Bytes      int64    `json:"bytes"`
	Leases     int      `json:"active_leases"`
	Pinned     bool     `json:"pinned"`
	LastUsed   int64    `json:"last_used"`
}

// showResidency lists the adapters in memory, the most recently used first.
func (h adaptersHandler) showResidency(c *gin.Context) {
	memory, err := h.memory()
	var entries []adapters.Entry
	if err == nil {
		entries, err = h.Adapters.List(c.Request.Context())
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	data, total := []residentObject{}, int64(0)
	for _, r := range memory.Residents() {
		o := residentObject{Generation: r.Generation, Model: r.Model, Aliases: []string{}, Bytes: r.Bytes, Leases: r.Leases, Pinned: r.Pinned, LastUsed: seconds(r.LastUsed)}
		for _, e := range entries {
			if e.Generation == r.Generation && h.mayUse(exchangeOf(c).key, e.Settings) {
				o.Aliases = append(o.Aliases, e.Name)
			}
		}
		if len(o.Aliases) > 0 || h.admin(c) {
			data, total = append(data, o), total+r.Bytes
		}
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"object": "list", "data": data, "resident_bytes": total})
}

// bring loads an adapter before a request needs it, or lets go of it and waits
// until no request has it.
func (h adaptersHandler) bring(c *gin.Context, e adapters.Entry, action string) {
	memory, err := h.memory()
	if err == nil {
		err = h.readOptional(c, func(*object) {})
	}
	ctx := c.Request.Context()
	if t := h.Options.RequestTimeout; t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	switch {
	case err != nil:
	case action == "load":
		err = memory.Warm(ctx, e.Base, e.Generation)
	default:
		err = memory.Unload(ctx, e.Generation)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"id": e.Name, "object": "lora_adapter", "generation": e.Generation, "resident": action == "load"})
}

// pin keeps whatever the name stands for in memory once it is there, also after a
// restart; or no longer.
func (h adaptersHandler) pin(c *gin.Context, e adapters.Entry, pinned bool) {
	h.changing.Lock()
	defer h.changing.Unlock()
	_, err := h.memory()
	if err == nil {
		err = h.readOptional(c, func(*object) {})
	}
	if err == nil {
		e, err = h.entry(c, e.Name) // as it is now that nobody else changes it
	}
	to := e
	if err == nil {
		s := e.Settings
		s.Pinned = pinned
		to, err = h.Adapters.Configure(c.Request.Context(), e.Name, &s, nil, adapters.Change{By: exchangeOf(c).key.ID})
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.moved(c.Request.Context(), e, to)
	h.writeJSON(c, http.StatusOK, h.wireWhole(c, to))
}
