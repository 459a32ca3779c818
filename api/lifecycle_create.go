package api

import (
	"errors"
	"mime"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// create registers an adapter: from a folder of the server's, from Hugging Face,
// or from what the client sends.
func (h adaptersHandler) create(c *gin.Context) {
	done, err := h.begin()
	if err != nil {
		h.failed(c, err)
		return
	}
	defer done()
	var e adapters.Entry
	switch media, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")); media {
	case "multipart/form-data":
		e, err = h.createFromForm(c)
	case "application/gzip", "application/x-gzip", "application/x-tar", "application/tar", "application/octet-stream":
		e, err = h.createFromBody(c, media)
	default:
		e, err = h.createFromSource(c)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusCreated, h.wireWhole(c, e))
}

// createFromSource reads a request that says where the adapter is.
func (h adaptersHandler) createFromSource(c *gin.Context) (adapters.Entry, error) {
	var req addition
	if err := h.readStrict(c, func(o *object) {
		bindAdd(o, &req)
		o.string("path", &req.Path)
		o.string("repo", &req.Repo)
		o.string("revision", &req.Revision)
		switch {
		case o.d.err != nil:
		case (req.Path == "") == (req.Repo == ""):
			o.d.fail(invalid("path", "missing_required_parameter", "Say where the adapter is: either 'path', a folder or file under one of adapters.roots, or 'repo', a Hugging Face repository; or send its files as multipart/form-data or application/gzip."))
		case req.Revision != "" && req.Repo == "":
			o.d.fail(invalid("revision", "invalid_value", "Invalid 'revision': only a 'repo' has revisions."))
		}
	}); err != nil {
		return adapters.Entry{}, err
	}
	return h.add(c, req)
}

// addition is an adapter that is added, and how it changes the settings that its
// name has.
type addition struct {
	adapters.AddRequest
	settings func(s *adapters.Settings) // nil: they stay
}

// add registers an adapter and lets go of what its name stood for.
func (h adaptersHandler) add(c *gin.Context, req addition) (adapters.Entry, error) {
	ctx, x := c.Request.Context(), exchangeOf(c)
	x.model, req.By = req.Name, x.key.ID
	if req.settings != nil { // nobody else may change them meanwhile
		h.changing.Lock()
		defer h.changing.Unlock()
	}
	old, err := h.Adapters.Get(ctx, req.Name)
	if err != nil && !errors.Is(err, adapters.ErrNotFound) && !errors.Is(err, adapters.ErrName) {
		return adapters.Entry{}, err
	}
	if req.settings != nil {
		s := old.Settings
		req.settings(&s)
		req.Settings = &s
	}
	e, err := h.Adapters.Add(ctx, req.AddRequest)
	if err == nil {
		h.moved(ctx, old, e)
	}
	return e, err
}

// bindAdd reads what all ways of adding an adapter share.
func bindAdd(o *object, req *addition) {
	o.require("name")
	o.string("name", &req.Name)
	o.string("base", &req.Base)
	o.string("model", &req.Base) // mistral.rs' word
	o.bool("replace", &req.Replace)
	o.bool("load_inplace", &req.Replace) // vLLM's
	bindGeneration(o, "expected_generation", &req.Expected)
	o.bool("stage", &req.Stage)
	o.bool("shadow", &req.Shadow)
	o.string("notes", &req.Notes)
	if v, ok := o.value("settings"); ok {
		req.settings = func(s *adapters.Settings) { v.object(func(o *object) { bindSettings(o, s) }) }
		req.settings(&adapters.Settings{}) // to find what is wrong
	}
	checkPolicy(o, &req.AddRequest)
}

// checkPolicy: a comparison is of what is to be replaced.
func checkPolicy(o *object, req *adapters.AddRequest) {
	if req.Expected != "" && !req.Replace {
		o.d.fail(&Error{Status: http.StatusBadRequest, Type: invalidRequest, Param: "expected_generation", Code: "invalid_lora_load_policy",
			Message: "'expected_generation' needs 'replace' (or 'load_inplace') to be true."})
	}
}

// huggingFaceName is owner/name.
var huggingFaceName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[\w][\w.-]*$`)

// addPath adds from lora_path, which in other servers is a folder or a Hugging
// Face repository: what lies under the roots comes first, and only owner/name is
// looked for elsewhere.
func (h adaptersHandler) addPath(c *gin.Context, req addition, path string) (adapters.Entry, error) {
	req.Path = path
	e, err := h.add(c, req)
	if isMissing(err) && huggingFaceName.MatchString(path) {
		req.Path, req.Repo = "", path
		return h.add(c, req)
	}
	return e, err
}
