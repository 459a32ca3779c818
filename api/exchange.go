package api

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// exchange is what is known about one request while it is served; the log, the
// metrics and the trace are written from it at the end.
type exchange struct {
	id      string
	start   time.Time
	key     KeyInfo
	model   string // as asked for
	stream  bool
	adapter string // as x-graft-adapter says
	body    []byte // kept only to be logged
	err     *Error

	mu     sync.Mutex // one request may run several generations at once
	served string     // model, once a backend has answered for it: safe as a label
	usage  serving.Usage
	torn   int           // tokens of answers that broke off, at least
	first  time.Duration // until the first piece of an answer; 0: none came
}

const exchangeKey = "graft.exchange"

func exchangeOf(c *gin.Context) *exchange { return c.MustGet(exchangeKey).(*exchange) }

// requestID begins the exchange under the client's x-request-id if that is a
// plain word, else under a new one.
func (s *server) requestID(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !plainWord(id) {
		id = s.ID("req_")
	}
	c.Set(exchangeKey, &exchange{id: id, start: time.Now()})
	c.Header("X-Request-Id", id)
	c.Header("Openai-Version", "2020-10-01")
}

func plainWord(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// randomID is prefix and 26 letters and digits, 130 bits.
func randomID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }
