package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// sglangReply is what SGLang's routes answer, right or wrong: LoRAUpdateOutput of
// managers/io_struct.py.
type sglangReply struct {
	Success bool              `json:"success"`
	Error   *string           `json:"error_message"`
	Loaded  map[string]string `json:"loaded_adapters"` // name to generation
}

// sglangLoad is POST /load_lora_adapter.
func (h adaptersHandler) sglangLoad(c *gin.Context) {
	var req addition
	var path string
	err := h.readStrict(c, func(o *object) {
		o.require("lora_name")
		o.require("lora_path")
		o.string("lora_name", &req.Name)
		o.string("lora_path", &path)
		pinned := false
		if o.bool("pinned", &pinned); pinned {
			req.settings = func(s *adapters.Settings) { s.Pinned = true }
		}
		o.accept("lora_id", "rid")
		o.refuse("added_tokens_config", "tokens are added by the tokenizer of the base")
	})
	if err == nil && path == "" {
		err = invalid("lora_path", "missing_required_parameter", "'lora_path' is empty.")
	}
	var done func()
	if err == nil {
		done, err = h.begin()
	}
	if err == nil {
		defer done()
		_, err = h.addPath(c, req, path)
	}
	h.sglangAnswer(c, err)
}

// sglangUnload is POST /unload_lora_adapter.
func (h adaptersHandler) sglangUnload(c *gin.Context) {
	var name string
	err := h.readStrict(c, func(o *object) {
		o.require("lora_name")
		o.string("lora_name", &name)
		o.accept("lora_id", "rid")
	})
	if err == nil {
		err = h.remove(c, name, adapters.Change{})
	}
	h.sglangAnswer(c, err)
}

// sglangTensors is POST /load_lora_adapter_from_tensors, whose tensors are a pickle
// in base64.
func (h adaptersHandler) sglangTensors(c *gin.Context) {
	h.sglangAnswer(c, &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "unsupported_value", Param: "serialized_tensors",
		Message: "'serialized_tensors' is a pickle, which runs code when it is opened. Send the adapter as files to POST /v1/lora_adapters instead: nothing needs a shared disk there either."})
}

// sglangAnswer says how it went, as 200 or 400, and what there is now.
func (h adaptersHandler) sglangAnswer(c *gin.Context, err error) {
	reply, status := sglangReply{Success: err == nil, Loaded: map[string]string{}}, http.StatusOK
	if err != nil {
		e := h.explain(c, lifecycleError(err), "")
		if e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == clientClosedRequest {
			h.fail(c, err, "") // not the client's fault: it may try again
			return
		}
		reply.Error, status = &e.Message, http.StatusBadRequest
	}
	entries, err := h.visible(c.Request.Context(), exchangeOf(c).key)
	if err != nil {
		h.failed(c, err)
		return
	}
	for _, e := range entries {
		if e.State != staged {
			reply.Loaded[e.Name] = e.Generation
		}
	}
	h.writeJSON(c, status, reply)
}
