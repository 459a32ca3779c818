package api

import (
	_ "embed"
	"net/http"

	"github.com/gin-gonic/gin"
)

// openAPI describes every route; a test holds it to router.go.
//
//go:embed openapi.yaml
var openAPI []byte

// openAPI serves the description.
func (s *server) openAPI(c *gin.Context) {
	c.Data(http.StatusOK, "application/yaml", openAPI)
}
