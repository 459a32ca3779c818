package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// Ollama's routes that make and remove models: server/routes.go and
// server/create.go of ollama/ollama. What is made here is always an adapter.

// Errors of Blobs.
var (
	ErrNoBlob = errors.New("there is no such blob")
	ErrDigest = errors.New("the content has another digest")
)

// Blobs keep files between the request that brings them and the one that uses
// them. Digests are sha256 in hex.
type Blobs interface {
	// PutAs stores what r gives. Errors: ErrDigest, wrapped.
	PutAs(digest string, r io.Reader) error
	// Open opens a blob. Errors: ErrNoBlob, wrapped.
	Open(digest string) (*os.File, error)
}

// blobName is how Ollama writes a digest.
var blobName = regexp.MustCompile(`^sha256[:-]([0-9a-f]{64})$`)

func blobDigest(name string) (string, error) {
	g := blobName.FindStringSubmatch(name)
	if g == nil {
		return "", &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "invalid_digest",
			Message: fmt.Sprintf("Invalid digest format: expected sha256: and 64 hexadecimal digits, but got %.80q.", name)}
	}
	return g[1], nil
}

// openBlob opens a blob by Ollama's name for it.
func (h adaptersHandler) openBlob(name string) (*os.File, error) {
	digest, err := blobDigest(name)
	if err != nil {
		return nil, err
	}
	if h.Blobs == nil {
		return nil, fmt.Errorf("blob %q: %w", name, ErrNoBlob)
	}
	return h.Blobs.Open(digest)
}

// hasBlob is HEAD /api/blobs/{digest}.
func (h adaptersHandler) hasBlob(c *gin.Context) {
	f, err := h.openBlob(c.Param("digest"))
	if err != nil {
		h.failed(c, err)
		return
	}
	f.Close()
	c.Status(http.StatusOK)
}

// putBlob is POST /api/blobs/{digest}.
func (h adaptersHandler) putBlob(c *gin.Context) {
	f, err := h.openBlob(c.Param("digest"))
	if err == nil {
		f.Close()
		c.Status(http.StatusOK)
		return
	}
	if errors.Is(err, ErrNoBlob) && h.Blobs != nil {
		err = h.storeBlob(c)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	c.Status(http.StatusCreated)
}

func (h adaptersHandler) storeBlob(c *gin.Context) error {
	done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	digest, err := blobDigest(c.Param("digest"))
	if err != nil {
		return err
	}
	body, err := h.upload(c)
	if err != nil {
		return err
	}
	return h.Blobs.PutAs(digest, body)
}

// ollamaNames reads the name of a model, which has two fields, and takes off the
// tag that Ollama adds.
func ollamaNames(o *object, dst *string) {
	o.string("name", dst)
	o.string("model", dst)
	if *dst = strings.TrimSuffix(*dst, ":latest"); *dst == "" {
		o.d.fail(invalid("model", "missing_required_parameter", "Missing required parameter: 'model'."))
	}
}

// ollamaDelete is DELETE /api/delete.
func (h adaptersHandler) ollamaDelete(c *gin.Context) {
	var name string
	err := h.readStrict(c, func(o *object) { ollamaNames(o, &name) })
	if err == nil {
		var e adapters.Entry
		if e, err = h.adapterCalled(c, name); err == nil {
			err = h.drop(c.Request.Context(), e, adapters.Change{By: exchangeOf(c).key.ID})
		}
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	c.Status(http.StatusOK)
}

// ollamaCopy is POST /api/copy: another name for the same generation.
func (h adaptersHandler) ollamaCopy(c *gin.Context) {
	var from, to string
	err := h.readStrict(c, func(o *object) {
		o.require("source")
		o.require("destination")
		o.string("source", &from)
		o.string("destination", &to)
	})
	var e adapters.Entry
	if err == nil {
		e, err = h.adapterCalled(c, strings.TrimSuffix(from, ":latest"))
	}
	if err == nil {
		err = h.copy(c, e, addition{AddRequest: adapters.AddRequest{Name: strings.TrimSuffix(to, ":latest"), Replace: true}})
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	c.Status(http.StatusOK)
}

// copy gives what a name stands for another name, with the same settings unless
// the addition changes them.
func (h adaptersHandler) copy(c *gin.Context, from adapters.Entry, req addition) error {
	done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	if req.Adapter, err = h.Adapters.Open(c.Request.Context(), from.Generation); err != nil {
		return err
	}
	req.Base, req.Lineage, req.Notes = from.Base, from.Lineage, from.Notes
	change := req.settings
	req.settings = func(s *adapters.Settings) {
		access := *s
		*s = from.Settings
		if access.Keys != nil || access.RequestsPerMinute+access.TokensPerMinute > 0 { // of the name that is replaced
			s.Keys, s.RequestsPerMinute, s.TokensPerMinute = access.Keys, access.RequestsPerMinute, access.TokensPerMinute
		}
		s.Pinned = access.Pinned
		if change != nil {
			change(s)
		}
	}
	_, err = h.add(c, req)
	return err
}

// adapterCalled is the adapter of a name in Ollama's manner; models of the
// configuration are no adapters.
func (h adaptersHandler) adapterCalled(c *gin.Context, name string) (adapters.Entry, error) {
	e, err := h.entry(c, name)
	if !errors.Is(err, adapters.ErrNotFound) {
		return e, err
	}
	if m, found := findModel(c.Request.Context(), h.models, name); found == nil && name != "" {
		return e, &Error{Status: http.StatusBadRequest, Type: invalidRequest, Param: "model", Code: "model_not_deletable",
			Message: fmt.Sprintf("The model '%.100s' belongs to the server's configuration: only adapters are copied and deleted here.", m.ID)}
	}
	return e, &Error{Status: http.StatusNotFound, Type: invalidRequest, Code: "model_not_found", Message: fmt.Sprintf("model '%.100s' not found", name)}
}
