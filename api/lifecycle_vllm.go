package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// vLLM's routes, with its sentences: vllm/entrypoints/openai/models/serving.py.
// There a variable of the environment opens them; here an admin key does.

// vllmLoad is POST /v1/load_lora_adapter.
func (h adaptersHandler) vllmLoad(c *gin.Context) {
	var req addition
	var path string
	var stacked bool
	err := h.readStrict(c, func(o *object) {
		o.string("lora_name", &req.Name)
		o.string("lora_path", &path)
		o.bool("load_inplace", &req.Replace)
		o.bool("replace", &req.Replace) // mistral.rs' word
		bindGeneration(o, "expected_generation", &req.Expected)
		o.string("base_model_name", &req.Base)
		o.string("model", &req.Base) // mistral.rs' word
		if o.bool("is_3d_lora_weight", &stacked) && stacked {
			o.d.fail(invalid("is_3d_lora_weight", "unsupported_lora_layout", "'is_3d_lora_weight' is not supported: no model here has experts whose matrices are stacked."))
		}
		checkPolicy(o, &req.AddRequest)
	})
	if err == nil && (req.Name == "" || path == "") {
		err = &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "missing_required_parameter", Message: "Both 'lora_name' and 'lora_path' must be provided."}
	}
	var done func()
	if err == nil {
		done, err = h.begin()
	}
	if err == nil {
		defer done()
		_, err = h.addPath(c, req, path)
	}
	if err != nil {
		h.fail(c, vllmLoadError(err, req.Name, path), "")
		return
	}
	c.String(http.StatusOK, "Success: LoRA adapter '%s' added successfully.", req.Name)
}

// vllmUnload is POST /v1/unload_lora_adapter. Requests that run keep the adapter
// to their last token; its memory is free after them.
func (h adaptersHandler) vllmUnload(c *gin.Context) {
	var name string
	var change adapters.Change
	err := h.readStrict(c, func(o *object) {
		o.string("lora_name", &name)
		bindGeneration(o, "expected_generation", &change.Expected)
		o.accept("lora_int_id", "model")
	})
	if err == nil && name == "" {
		err = &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "missing_required_parameter", Message: "'lora_name' needs to be provided to unload a LoRA adapter."}
	}
	if err == nil {
		err = h.remove(c, name, change)
	}
	if errors.Is(err, adapters.ErrNotFound) {
		err = &Error{Status: http.StatusNotFound, Code: "lora_adapter_not_found", Message: fmt.Sprintf("The lora adapter '%s' cannot be found.", name)}
	}
	if err != nil {
		h.fail(c, vllmError(err), "")
		return
	}
	c.String(http.StatusOK, "Success: LoRA adapter '%s' removed successfully.", name)
}

// vllmLoadError says in vLLM's words why an adapter was not loaded.
func vllmLoadError(err error, name, path string) error {
	switch {
	case errors.Is(err, adapters.ErrExists):
		return vllmError(&Error{Status: http.StatusBadRequest, Code: "lora_adapter_already_loaded",
			Message: fmt.Sprintf("The lora adapter '%s' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.", name)})
	case isMissing(err):
		return vllmError(&Error{Status: http.StatusNotFound, Code: "adapter_path_not_found",
			Message: fmt.Sprintf("Loading lora %s failed: No adapter found for %s", name, path)})
	case errors.Is(err, adapters.ErrInvalid): // there the engine fails; the files will not change by asking again
		e, _ := classify(err, "")
		e.Status, e.NoRetry = http.StatusInternalServerError, true
		return vllmError(e)
	}
	return vllmError(err)
}

// vllmError gives an error one of vLLM's types. Errors that nobody knows stay as
// they are, to be logged.
func vllmError(err error) error {
	e, internal := classify(lifecycleError(err), "")
	if internal {
		return err
	}
	same := *e
	if same.Param == "path" {
		same.Param = "lora_path"
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		same.Type = "InvalidUserInput"
	case http.StatusNotFound:
		same.Type = "NotFoundError"
	case http.StatusInternalServerError:
		same.Type = "InternalServerError"
	}
	return &same
}
