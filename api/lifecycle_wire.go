package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/serving"
)

// adapterObject is a name and what it stands for: mistral.rs' fields, then graft's.
type adapterObject struct {
	ID         string `json:"id"`
	Object     string `json:"object"` // lora_adapter
	Generation string `json:"generation"`
	Rank       int    `json:"rank"`
	Bytes      int64  `json:"bytes"`
	Source     string `json:"source,omitempty"`   // for admins
	Revision   string `json:"revision,omitempty"` // of a Hugging Face repository

	Staged  string `json:"staged,omitempty"` // generation that waits to be promoted
	Base    string `json:"base"`             // the model it changes
	State   string `json:"state"`
	Shadow  bool   `json:"shadow,omitempty"`
	Created int64  `json:"created"` // seconds, as OpenAI writes times
	Updated int64  `json:"updated"`
	Owner   string `json:"owner,omitempty"` // id of an API key, for admins
	Notes   string `json:"notes,omitempty"`

	Settings *adapters.Settings `json:"settings,omitempty"`
	Lineage  *adapters.Lineage  `json:"lineage,omitempty"`
	Report   *adapters.Report   `json:"report,omitempty"`
	Verdicts []adapters.Verdict `json:"verdicts,omitempty"` // of evaluations, the latest first
	// NeedsVerdict: it is given another generation only after a clear win.
	NeedsVerdict bool `json:"needs_verdict,omitempty"`
}

// wire describes an entry. Where files lie and who may do what is for admins only.
func (h adaptersHandler) wire(c *gin.Context, e adapters.Entry) adapterObject {
	o := adapterObject{
		ID: e.Name, Object: "lora_adapter", Generation: e.Generation, Rank: e.Rank, Bytes: e.Bytes,
		Staged: e.Staged, Base: e.Base, State: e.State, Shadow: e.Shadow, Created: seconds(e.Created), Updated: seconds(e.Updated), Notes: e.Notes,
	}
	if repo, ok := strings.CutPrefix(e.Lineage.Source, "hf "); ok {
		if _, revision, ok := strings.Cut(repo, "@"); ok {
			o.Revision = revision
		}
	}
	if h.admin(c) {
		o.Source, o.Owner = e.Lineage.Source, e.Owner
	}
	return o
}

// wireWhole is wire with settings, lineage, the report of the check, and the verdicts of
// evaluations, as far as they can be read.
func (h adaptersHandler) wireWhole(c *gin.Context, e adapters.Entry) adapterObject {
	o := h.wire(c, e)
	if !h.admin(c) {
		e.Lineage.Source, e.Settings.Keys = "", nil
	}
	o.Settings, o.Lineage, o.Report = &e.Settings, &e.Lineage, &e.Report
	o.NeedsVerdict = h.Adapters.Demands(e.Settings)
	list, err := h.verdictsOf(c, e.Generation)
	if err != nil {
		h.Logger.WarnContext(c.Request.Context(), "verdicts", "adapter", e.Name, "error", err)
	}
	o.Verdicts = list
	return o
}

// seconds is a time as OpenAI writes it; 0: never.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// adapterList is mistral.rs' list. There every generation is in memory; here it
// is stored, and resident says whether it is in memory too.
type adapterList struct {
	Object              string             `json:"object"` // list
	Data                []adapterObject    `json:"data"`
	Generations         []generationObject `json:"generations"`
	ResidentGenerations int                `json:"resident_generations"`
	RetiredGenerations  int                `json:"retired_generations"`
	ResidentBytes       int64              `json:"resident_bytes"`
	MaxAdapters         int                `json:"max_adapters"` // 0: no limit
	MaxRank             int                `json:"max_rank"`
	MaxBytes            int64              `json:"max_bytes"` // of one adapter's file
}

// generationObject is a stored generation.
type generationObject struct {
	Generation   string   `json:"generation"`
	Aliases      []string `json:"aliases"`
	Rank         int      `json:"rank"`
	Bytes        int64    `json:"bytes"`
	Retired      bool     `json:"retired"` // no name stands for it
	ActiveLeases int      `json:"active_leases"`
	Resident     bool     `json:"resident"`
	Pinned       bool     `json:"pinned"`
	Created      int64    `json:"created"`
}

// listing is what a client may see of the registry and of the memory.
func (h adaptersHandler) listing(ctx context.Context, c *gin.Context) (adapterList, error) {
	out := adapterList{Object: "list", Data: []adapterObject{}, Generations: []generationObject{}}
	if h.Adapters == nil {
		return out, nil
	}
	limits := h.Adapters.Limits
	out.MaxRank, out.MaxBytes = limits.Rank, limits.Bytes
	entries, err := h.Adapters.List(ctx)
	if err != nil {
		return out, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		if h.mayUse(exchangeOf(c).key, e.Settings) {
			names[e.Name] = true
			out.Data = append(out.Data, h.wire(c, e))
		}
	}
	stored, err := h.Adapters.Generations(ctx)
	if err != nil {
		return out, err
	}
	resident := map[string]serving.Resident{}
	for _, r := range h.residents() {
		resident[r.Generation] = r
	}
	for _, g := range stored {
		aliases := slices.DeleteFunc(slices.Clone(g.Names), func(name string) bool { return !names[name] })
		if len(aliases) == 0 && !h.admin(c) {
			continue
		}
		r, here := resident[g.Generation]
		out.Generations = append(out.Generations, generationObject{
			Generation: g.Generation, Aliases: append([]string{}, aliases...), Rank: g.Rank, Bytes: g.Bytes, Retired: g.Retired,
			ActiveLeases: max(g.Leases, r.Leases), Resident: here, Pinned: r.Pinned, Created: seconds(g.Created),
		})
		if g.Retired {
			out.RetiredGenerations++
		}
		if here {
			out.ResidentGenerations++
			out.ResidentBytes += r.Bytes
		}
	}
	return out, nil
}

func (h adaptersHandler) residents() []serving.Resident {
	memory, err := h.memory()
	if err != nil {
		return nil
	}
	return memory.Residents()
}
