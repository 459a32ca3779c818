package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// healthHandler says whether the process lives and whether it takes requests.
type healthHandler struct{ *server }

type health struct {
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Version string `json:"version,omitempty"`
}

// live answers as long as the process can.
func (h healthHandler) live(c *gin.Context) {
	h.writeJSON(c, http.StatusOK, health{Status: "ok", Version: h.Version})
}

// ready is 503 while requests would be refused: during start and while draining.
func (h healthHandler) ready(c *gin.Context) {
	if h.Ready != nil {
		if err := h.Ready(); err != nil {
			h.writeJSON(c, http.StatusServiceUnavailable, health{Status: "unavailable", Reason: err.Error()})
			return
		}
	}
	h.writeJSON(c, http.StatusOK, health{Status: "ready"})
}

// root tells people and Ollama's clients who is listening.
func (h healthHandler) root(c *gin.Context) {
	h.writeJSON(c, http.StatusOK, map[string]string{
		"name": "graft", "version": h.Version, "openai": "/v1", "ollama": "/api", "openapi": "/openapi.yaml", "health": "/healthz",
	})
}
