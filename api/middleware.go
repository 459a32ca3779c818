package api

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
)

// recover turns a panic into a 500. If an answer has already begun, the
// connection is cut, so that the client does not take a torn answer for a whole one.
func (s *server) recover(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.Logger.ErrorContext(c.Request.Context(), "panic", "request_id", exchangeOf(c).id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.fail(c, &Error{Status: 500, Type: serverError, Code: "internal_error", Message: "internal error (request id " + exchangeOf(c).id + ")"}, "")
	}()
	c.Next()
}

// cors answers preflights and marks replies for the origins in Options. A page
// of any other origin may not call at all: a server on loopback without keys
// must not answer every site that its user visits.
func (s *server) cors(c *gin.Context) {
	origin := c.GetHeader("Origin")
	allowed := origin != "" && (slices.Contains(s.Options.CORSOrigins, origin) || slices.Contains(s.Options.CORSOrigins, "*"))
	if len(s.Options.CORSOrigins) > 0 {
		c.Writer.Header().Add("Vary", "Origin")
	}
	if !allowed {
		if err := crossOrigin.Check(c.Request); err != nil {
			s.fail(c, &Error{Status: 403, Type: invalidRequest, Code: "cross_origin",
				Message: "Web pages of " + clip(origin, 100) + " may not call this server; add the origin to the allowed CORS origins of its configuration."}, "")
		}
		return
	}
	h := c.Writer.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "X-Request-Id, Openai-Processing-Ms, X-Graft-Ignored, X-Graft-Adapter, X-Adapter-Id, Retry-After, Retry-After-Ms, "+limitHeaderNames)
	if c.Request.Method == http.MethodOptions && c.GetHeader("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", c.GetHeader("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "600")
		c.AbortWithStatus(http.StatusNoContent)
	}
}

var crossOrigin = http.NewCrossOriginProtection()

// limitConcurrency bounds the requests that one key has in progress.
func (s *server) limitConcurrency(c *gin.Context) {
	key := exchangeOf(c).key
	limit := s.Options.MaxConcurrentPerKey
	if key.MaxConcurrent > 0 {
		limit = key.MaxConcurrent
	}
	if limit <= 0 || key.ID == "" {
		return
	}
	s.mu.Lock()
	over := s.perKey[key.ID] >= limit
	if !over {
		s.perKey[key.ID]++
	}
	s.mu.Unlock()
	if over {
		s.fail(c, &Error{Status: 429, Type: rateLimit, Code: "rate_limit_exceeded", RetryAfter: time.Second,
			Message: fmt.Sprintf("This API key already has %d requests in progress, which is its limit.", limit)}, "")
		return
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.perKey[key.ID]--; s.perKey[key.ID] == 0 {
			delete(s.perKey, key.ID)
		}
	}()
	c.Next()
}
