package api

import (
	"context"
	"embed"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/evalharness/rating"
)

// Raters is what the page of blind rating needs; rating.Service has it.
type Raters interface {
	Next(ctx context.Context, id, token string) (*rating.Next, error)
	Vote(ctx context.Context, id, token string, slot, choice int) (*rating.Next, error)
	Undo(ctx context.Context, id, token string, slot int) (*rating.Next, error)
}

//go:embed ui/rate.html ui/rate.css ui/rate.js
var ui embed.FS

// rateHandler serves people who rate. They have no API key: the token of their
// invitation stands in the link behind '#', which browsers keep to themselves, and is
// sent in a header. So it is in no log and no Referer.
type rateHandler struct {
	*server
	raters Raters
}

const tokenHeader = "X-Rating-Token"

// voteChoices are a vote's words on the wire, as the answers are shown.
var voteChoices = map[string]int{"left": -1, "neither": 0, "right": 1}

// pagePolicy lets the page load its own parts and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard sets what keeps a page's content and its link to itself.
func (h rateHandler) guard(c *gin.Context) {
	head := c.Writer.Header()
	head.Set("Content-Security-Policy", pagePolicy)
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Robots-Tag", "noindex, nofollow")
	if h.raters == nil {
		h.fail(c, &Error{Status: http.StatusNotFound, Type: invalidRequest, Code: "no_ratings", Message: "This server keeps no ratings."}, "")
	}
}

// file serves a part of the page: the same bytes for every run and rater.
func (h rateHandler) file(name, media string) gin.HandlerFunc {
	text, err := ui.ReadFile("ui/" + name)
	if err != nil {
		panic(err) // embedded
	}
	return func(c *gin.Context) { c.Data(http.StatusOK, media+"; charset=utf-8", text) }
}

// token is the invitation that a request comes with.
func (h rateHandler) token(c *gin.Context) string {
	if token := c.GetHeader(tokenHeader); len(token) <= maxSecret {
		return strings.TrimSpace(token)
	}
	return ""
}

func (h rateHandler) next(c *gin.Context) {
	h.answer(c)(h.raters.Next(c.Request.Context(), c.Param("run"), h.token(c)))
}

func (h rateHandler) vote(c *gin.Context) {
	var slot int
	var choice string
	err := h.read(c, func(o *object) {
		o.require("slot")
		o.integer("slot", &slot, 0, 1<<20)
		o.require("choice")
		o.enum("choice", &choice, "left", "neither", "right")
	})
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.answer(c)(h.raters.Vote(c.Request.Context(), c.Param("run"), h.token(c), slot, voteChoices[choice]))
}

func (h rateHandler) undo(c *gin.Context) {
	var slot int
	err := h.read(c, func(o *object) {
		o.require("slot")
		o.integer("slot", &slot, 0, 1<<20)
	})
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.answer(c)(h.raters.Undo(c.Request.Context(), c.Param("run"), h.token(c), slot))
}

// answer writes what a rater is to do next. Whether the run, or the invitation to it,
// is unknown makes no difference.
func (h rateHandler) answer(c *gin.Context) func(*rating.Next, error) {
	return func(n *rating.Next, err error) {
		if err != nil {
			h.fail(c, ratingError(err), "")
			return
		}
		h.writeJSON(c, http.StatusOK, n)
	}
}
