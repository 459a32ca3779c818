package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// adaptersHandler makes, changes and removes adapters, in the dialects that other
// servers' clients speak: /v1/lora_adapters is graft's own (and lists as mistral.rs
// does), lifecycle_vllm.go, lifecycle_sglang.go, lifecycle_dynamo.go,
// lifecycle_llamacpp.go and lifecycle_ollama.go are the others'.
type adaptersHandler struct {
	*server
	busy     chan struct{} // adapters that are being added: see begin
	changing *sync.Mutex   // held while settings are read, changed and written
}

func (s *server) newAdaptersHandler() adaptersHandler {
	return adaptersHandler{s, make(chan struct{}, max(s.Options.MaxUploads, 1)), &sync.Mutex{}}
}

// requireAdmin lets a request pass that changes what is served. Where no keys are
// asked for (on loopback), everybody may.
func (s *server) requireAdmin(c *gin.Context) {
	if !s.admin(c) {
		s.fail(c, &Error{Status: http.StatusForbidden, Type: invalidRequest, Code: "admin_key_required",
			Message: "Changing what is served needs an admin key, and this API key is a user's. An admin key is made by `graft keys create NAME --admin` on the server's machine."}, "")
	}
}

// admin says whether the client may change what is served.
func (s *server) admin(c *gin.Context) bool { return s.isAdmin(exchangeOf(c).key) }

// needRegistry stops requests for adapters on a server that has none.
func (h adaptersHandler) needRegistry(c *gin.Context) {
	if h.Adapters == nil {
		h.fail(c, &Error{Status: http.StatusConflict, Type: invalidRequest, Code: "lora_runtime_unavailable", NoRetry: true,
			Message: "This server keeps no adapters: it passes requests on to another."}, "")
	}
}

// failed answers with an error about an adapter. What requests for answers call a
// model is an adapter here, and what is forbidden is a path.
func (h adaptersHandler) failed(c *gin.Context, err error) {
	h.fail(c, lifecycleError(err), "")
}

func lifecycleError(err error) error {
	for _, row := range []struct {
		is     error
		status int
		code   string
		param  string
	}{
		{adapters.ErrNotFound, http.StatusNotFound, "lora_adapter_not_found", "name"},
		{adapters.ErrForbidden, http.StatusForbidden, "adapter_path_forbidden", "path"},
	} {
		if errors.Is(err, row.is) {
			return &Error{Status: row.status, Type: invalidRequest, Code: row.code, Param: row.param, Message: sentence(err.Error()) + "."}
		}
	}
	return err
}

// isMissing says that there is no adapter at a path.
func isMissing(err error) bool { return errors.Is(err, adapters.ErrNoPath) }

// entry is what a name stands for, if the client may know.
func (h adaptersHandler) entry(c *gin.Context, name string) (adapters.Entry, error) {
	return h.entryBy(c, name, h.Adapters.Get)
}

// entryBy is entry, read in one way or another.
func (h adaptersHandler) entryBy(c *gin.Context, name string, read func(context.Context, string) (adapters.Entry, error)) (adapters.Entry, error) {
	exchangeOf(c).model = name
	e, err := read(c.Request.Context(), name)
	if err == nil && !h.mayUse(exchangeOf(c).key, e.Settings) {
		err = fmt.Errorf("adapter %q: %w", name, adapters.ErrNotFound)
	}
	return e, err
}

// begin takes one of the places for adapters that are being added: each is read
// into memory whole and measured against the base. done gives it back.
func (h adaptersHandler) begin() (done func(), err error) {
	select {
	case h.busy <- struct{}{}:
		return func() { <-h.busy }, nil
	default:
		return nil, &Error{Status: http.StatusTooManyRequests, Type: rateLimit, Code: "lora_load_busy", RetryAfter: overloadedRetry,
			Message: fmt.Sprintf("%d adapters are being added already; try again in a moment.", cap(h.busy))}
	}
}

// lifecycleActions are the last parts of paths below /v1/lora_adapters.
var lifecycleActions = map[string][]string{
	http.MethodGet:  {"report", "history", "verdicts"},
	http.MethodPost: {"promote", "rollback", "load", "unload", "pin", "unpin", "verdicts"},
}

// target splits the path behind /v1/lora_adapters/. Names may hold slashes, so the
// last part is an action where it is one; a name that ends like one is written
// with %2F.
func target(c *gin.Context) (name, action string) {
	raw, ok := strings.CutPrefix(c.Request.URL.EscapedPath(), "/v1/lora_adapters/")
	if !ok {
		raw = strings.TrimPrefix(c.Param("name"), "/")
	}
	if i := strings.LastIndexByte(raw, '/'); i > 0 && slices.Contains(lifecycleActions[c.Request.Method], raw[i+1:]) {
		raw, action = raw[:i], raw[i+1:]
	}
	name, err := url.PathUnescape(raw)
	if err != nil {
		name = raw // net/http has unescaped it before, so this does not happen
	}
	return name, action
}
