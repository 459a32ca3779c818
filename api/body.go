package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

var errTooLarge = errors.New("the request body is too large")

// readBody returns the body of a request that says it is JSON. Ollama's
// clients do not all say so (its documentation uses bare curl -d).
func (s *server) readBody(c *gin.Context) ([]byte, error) {
	if kind := c.GetHeader("Content-Type"); !isOllama(c) {
		media, params, err := mime.ParseMediaType(kind)
		charset := strings.ToLower(params["charset"])
		if err != nil || media != "application/json" || (charset != "" && charset != "utf-8") {
			return nil, &Error{Status: 400, Type: invalidRequest, Code: "invalid_content_type",
				Message: fmt.Sprintf("The content type must be application/json in UTF-8, but is '%s'.", clip(kind, 100))}
		}
	}
	if encoding := c.GetHeader("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &Error{Status: 400, Type: invalidRequest, Code: "invalid_content_encoding",
			Message: fmt.Sprintf("The content encoding '%s' is not supported: send the body as it is.", clip(encoding, 100))}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, s.Options.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fmt.Errorf("%w: at most %d bytes are accepted", errTooLarge, s.Options.MaxBody)
	case err != nil:
		return nil, &Error{Status: 400, Type: invalidRequest, Code: "incomplete_body", Message: "The request body ended early."}
	}
	if s.Options.LogPrompts {
		exchangeOf(c).body = body
	}
	return body, nil
}

// read decodes the request body with bind; fields that were ignored are named
// in a header.
func (s *server) read(c *gin.Context, bind func(o *object)) error {
	body, err := s.readBody(c)
	if err != nil {
		return err
	}
	ignored, err := decode(body, s.Options.Strict, bind)
	if err != nil {
		return err
	}
	if len(ignored) > 0 {
		c.Header("X-Graft-Ignored", clip(headerSafe(strings.Join(ignored, ", ")), 2000))
	}
	return nil
}

func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// writeJSON answers with v, without the HTML escapes of encoding/json.
func (s *server) writeJSON(c *gin.Context, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // our own structs: only a bug gets here
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	setProcessing(c)
	c.Header("Content-Type", "application/json")
	c.Header("Content-Length", strconv.Itoa(b.Len()))
	c.Status(status)
	_, _ = c.Writer.Write(b.Bytes()) // a client that has left is seen by its context
}

// setProcessing says how long the server took until its answer began.
func setProcessing(c *gin.Context) {
	ms := time.Since(exchangeOf(c).start).Milliseconds()
	c.Header("Openai-Processing-Ms", strconv.FormatInt(ms, 10))
}
