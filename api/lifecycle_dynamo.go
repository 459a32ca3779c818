package api

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// Dynamo's routes: docs/features/lora/README.md of ai-dynamo/dynamo.

type dynamoReply struct {
	Status  string `json:"status"` // success
	Message string `json:"message"`
	Name    string `json:"lora_name"`
	ID      int32  `json:"lora_id"`
}

// dynamoID is a number that a name keeps.
func dynamoID(name string) int32 {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return int32(sum.Sum32() & 0x7fffffff)
}

// dynamoList is GET /v1/loras.
func (h adaptersHandler) dynamoList(c *gin.Context) {
	entries, err := h.visible(c.Request.Context(), exchangeOf(c).key)
	if err != nil {
		h.failed(c, err)
		return
	}
	loras := map[string]int32{}
	for _, e := range entries {
		if e.State != staged {
			loras[e.Name] = dynamoID(e.Name)
		}
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"status": "success", "loras": loras, "count": len(loras)})
}

// dynamoLoad is POST /v1/loras.
func (h adaptersHandler) dynamoLoad(c *gin.Context) {
	var req addition
	err := h.readStrict(c, func(o *object) {
		o.require("lora_name")
		o.require("source")
		o.string("lora_name", &req.Name)
		o.object("source", func(o *object) {
			o.require("uri")
			if v, ok := o.value("uri"); ok {
				dynamoSource(v, &req)
			}
		})
	})
	var done func()
	if err == nil {
		done, err = h.begin()
	}
	if err == nil {
		defer done()
		_, err = h.add(c, req)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, dynamoReply{"success", fmt.Sprintf("LoRA adapter '%s' loaded successfully", req.Name), req.Name, dynamoID(req.Name)})
}

// dynamoSource reads file:///folder and hf://owner/name.
func dynamoSource(v value, req *addition) {
	text := v.string()
	u, err := url.Parse(text)
	switch {
	case err == nil && u.Scheme == "file" && u.Host == "" && u.Path != "":
		req.Path = u.Path
	case err == nil && u.Scheme == "hf" && huggingFaceName.MatchString(u.Host+u.Path):
		req.Repo = u.Host + u.Path
	default:
		v.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': expected file:///folder or hf://owner/name, but got '%.100s'.", v.path, text))
	}
}

// dynamoUnload is DELETE /v1/loras/{name}.
func (h adaptersHandler) dynamoUnload(c *gin.Context) {
	name := strings.TrimPrefix(c.Param("name"), "/")
	if err := h.remove(c, name, adapters.Change{}); err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, dynamoReply{"success", fmt.Sprintf("LoRA adapter '%s' unloaded successfully", name), name, dynamoID(name)})
}
