package api

import (
	"context"
	"errors"
	"strings"

	"github.com/gin-gonic/gin"
)

// ErrBadKey is what Keys.Check returns for a secret that is not a valid key.
var ErrBadKey = errors.New("incorrect API key provided")

// KeyInfo is what a valid API key allows.
type KeyInfo struct {
	ID            string
	Name          string
	Admin         bool // may change what is served
	MaxConcurrent int  // requests at once; 0: Options.MaxConcurrentPerKey
}

// Keys checks API keys; implementations compare in constant time.
type Keys interface {
	// Check returns ErrBadKey, wrapped or not, for an unknown or revoked secret.
	Check(ctx context.Context, secret string) (KeyInfo, error)
}

// maxSecret bounds what is handed to Keys.Check.
const maxSecret = 512

// requireKey lets a request pass with "Authorization: Bearer …" or "x-api-key".
func (s *server) requireKey(c *gin.Context) {
	if !s.Options.RequireKeys {
		return
	}
	secret, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !ok {
		secret = c.GetHeader("X-Api-Key")
	}
	secret = strings.TrimSpace(secret)
	if secret == "" {
		s.fail(c, &Error{Status: 401, Type: authentication, Code: "invalid_api_key",
			Message: "You didn't provide an API key. Send it in the Authorization header: 'Authorization: Bearer YOUR_KEY'."}, "")
		return
	}
	if len(secret) > maxSecret || s.Keys == nil {
		s.fail(c, ErrBadKey, "")
		return
	}
	info, err := s.Keys.Check(c.Request.Context(), secret)
	if err != nil {
		s.fail(c, err, "")
		return
	}
	exchangeOf(c).key = info
}
