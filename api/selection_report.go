package api

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// adapterReport says in a reply which adapters made it. It is a field that
// OpenAI does not have; official clients keep it among the extra fields.
type adapterReport struct {
	Adapters []reportedAdapter `json:"adapters"`
}

type reportedAdapter struct {
	Name       string  `json:"name,omitempty"` // missing: chosen by generation, and no name stands for it
	Generation string  `json:"generation"`
	Weight     float32 `json:"weight"`
}

// report is nil for an answer of the base.
func (sel *selection) report() *adapterReport {
	if len(sel.used) == 0 {
		return nil
	}
	r := &adapterReport{}
	for _, u := range sel.used {
		r.Adapters = append(r.Adapters, reportedAdapter{u.Name, u.Generation, u.weight})
	}
	return r
}

// generation is mistral.rs' adapter_generation: of the one adapter; empty for none or a mix.
func (sel *selection) generation() string {
	if len(sel.used) != 1 {
		return ""
	}
	return sel.used[0].Generation
}

// reported are the extra fields of a reply's body.
type reported struct {
	Generation string         `json:"adapter_generation,omitempty"`
	Graft      *adapterReport `json:"graft,omitempty"`
}

func (sel *selection) reported() reported { return reported{sel.generation(), sel.report()} }

// fields is reported as the tail of a JSON object: empty, or beginning with a comma.
func (sel *selection) fields() []byte {
	if len(sel.used) == 0 {
		return nil
	}
	b, _ := marshal(sel.reported()) // strings and finite numbers
	b[0] = ','
	return b[:len(b)-1]
}

// header is x-graft-adapter: name@sha256:…, of several separated by commas, with
// ;weight= where that is not 1.
func (sel *selection) header() string {
	var list []string
	for _, u := range sel.used {
		text := u.Generation
		if u.Name != "" {
			text = u.Name + "@" + text
		}
		if u.weight != 1 {
			text += ";weight=" + strconv.FormatFloat(float64(u.weight), 'g', -1, 32)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// announce sets the headers that name the adapters, before the first byte of the
// answer. x-adapter-id is LoRAX's.
func (sel *selection) announce(c *gin.Context) {
	if len(sel.used) == 0 {
		return
	}
	c.Header("X-Graft-Adapter", headerSafe(sel.header()))
	if len(sel.used) == 1 {
		c.Header("X-Adapter-Id", headerSafe(sel.used[0].title()))
	}
}
