package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/serving"
)

// How a request chooses adapters: once, before anything else happens to it.
//
//	"model": "name"               an adapter by its name, or a base model
//	"model": "name@1a2b3c4d…"     one generation: at least 8 hex digits, or sha256: and all 64
//	"model": "base:name"          the same as name; also base::name, and each with @generation
//	"adapters", "adapter", "adapter_id", "merged_adapters", "lora", "lora_path"
//	                              on top of a base model, or of none: selection_bind.go
//
// A name is looked up in this order: an adapter of exactly this name (unless a
// base model has the same id, which then goes first; an adapter registered with
// shadow goes before it), a base model, name@generation, base:name.
//
// Nothing falls back to the base: a name that is not known, or is not this key's
// to know, is a 404. An adapter that a key may not use does not exist for it, in
// lists and in requests alike, so that names tell nothing.

// maxAdapters bounds the adapters of one request.
const maxAdapters = 8

// adapterRegistry is what choosing and listing need of *adapters.Registry.
type adapterRegistry interface {
	Resolve(ctx context.Context, ref adapters.Ref) (*adapters.Lease, error)
	Get(ctx context.Context, name string) (adapters.Entry, error)
	List(ctx context.Context) ([]adapters.Entry, error)
	Stands(ctx context.Context, generation string) (used, pinned bool, err error)
	Generations(ctx context.Context) ([]adapters.GenerationInfo, error)
	Delete(ctx context.Context, name string, c adapters.Change) error
}

// selection is what one request chose. It holds leases: release must be called,
// when the last byte of the answer is out.
type selection struct {
	asked string // what the reply calls the model
	base  string // id of the model that answers; as asked for when no adapter was chosen
	used  []used // in the order of the request

	admitted bool // counted against the limits of the adapters
}

// used is a chosen adapter.
type used struct {
	*adapters.Lease
	weight float32
}

// release lets go of the leases; a second time it does nothing.
func (sel *selection) release() {
	for _, u := range sel.used {
		u.Release()
	}
}

// readChoosing reads a body: first what it chooses, then with bind the rest, so
// that r already has the defaults of the adapter where the request is silent.
// The caller has deferred sel's end (server.ended) before.
func (s *server) readChoosing(c *gin.Context, sel *selection, r *serving.Request, rules choiceRules, bind func(o *object)) error {
	var failed error
	err := s.read(c, func(o *object) {
		ch := choice{rules: rules}
		ch.bind(o)
		if o.d.err != nil {
			return
		}
		x := exchangeOf(c)
		x.model = ch.model
		if failed = s.choose(c.Request.Context(), x.key, &ch, sel); failed != nil {
			o.d.fail(&Error{}) // nothing more is read
			return
		}
		if x.model == "" {
			x.model = sel.asked
		}
		if len(sel.used) > 0 {
			x.adapter = sel.header()
		}
		sel.apply(r)
		bind(o)
		r.Stop = append(r.Stop, sel.stops()...)
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	if err := sel.template(r); err != nil {
		return err
	}
	if !rules.free {
		if err := s.admit(c, sel); err != nil {
			return err
		}
	}
	sel.announce(c)
	return nil
}

// ended lets go of what a request chose and charges the tokens that it cost.
func (s *server) ended(c *gin.Context, sel *selection) {
	s.charge(c, sel)
	sel.release()
}

// choose looks up what ch says, for the client that has key.
func (s *server) choose(ctx context.Context, key KeyInfo, ch *choice, sel *selection) error {
	sel.asked, sel.base = ch.model, ch.model
	lease, err := s.named(ctx, key, ch.model, ch.rules.latest)
	if err != nil {
		return err
	}
	if lease != nil {
		sel.used = append(sel.used, used{lease, 1})
		sel.base = lease.Base
		if ch.field != "" {
			return invalid(ch.field, "invalid_parameter_combination", "Setting '%s' and 'model' to an adapter at the same time is not supported: name a base model, '%s', or leave one of them out.", ch.field, lease.Base)
		}
		return nil
	}
	if ch.field == "" && ch.rules.plain {
		return nil
	}
	if ch.field == "" {
		return s.chooseGlobal(ctx, key, ch, sel)
	}
	if ch.field == "lora" {
		if err := s.nameLoras(ctx, key, ch); err != nil {
			return err
		}
	}
	for _, ref := range ch.refs {
		lease, err := s.referred(ctx, key, ref)
		if err != nil {
			return err
		}
		sel.used = append(sel.used, used{lease, ref.weight})
		if err := sel.agree(ref); err != nil {
			return err
		}
	}
	return s.settleBase(ctx, ch, sel)
}

// agree checks the latest adapter against those before it.
func (sel *selection) agree(ref reference) error {
	last := len(sel.used) - 1
	u := sel.used[last]
	for _, before := range sel.used[:last] {
		if before.Generation == u.Generation {
			return invalid(ref.path, "duplicate_adapter", "Invalid '%s': %s is the same adapter as one before it (%s); choose it once, with the sum of the weights.", ref.path, ref, u.Generation)
		}
		if before.Base != u.Base {
			return invalid(ref.path, "adapter_base_mismatch", "Invalid '%s': %s belongs to the model '%s', but one before it to '%s'; the adapters of one request need the same base.", ref.path, ref, u.Base, before.Base)
		}
	}
	return nil
}

// settleBase says which model the chosen adapters stand on, and what it is called.
func (s *server) settleBase(ctx context.Context, ch *choice, sel *selection) error {
	if len(sel.used) == 0 {
		return nil
	}
	base := sel.used[0].Base
	asked := ch.model
	if ch.rules.latest && asked != base {
		asked = strings.TrimSuffix(asked, ":latest")
	}
	if asked != "" && asked != base {
		if _, err := findModel(ctx, s.models, asked); err != nil {
			return err
		}
		return invalid(ch.field, "adapter_base_mismatch", "Invalid '%s': %s belongs to the model '%s', not to '%s'.", ch.refs[0].path, ch.refs[0], base, ch.model)
	}
	sel.base = base
	if sel.asked == "" {
		sel.asked = base
		if len(sel.used) == 1 && sel.used[0].Name != "" {
			sel.asked = sel.used[0].Name
		}
	}
	return nil
}

// chooseGlobal adds the adapters that POST /lora-adapters has turned on, for a
// request that names a base model and nothing else.
func (s *server) chooseGlobal(ctx context.Context, key KeyInfo, ch *choice, sel *selection) error {
	if s.registry == nil || !s.loras.any() || ch.model == "" {
		return nil
	}
	entries, err := s.visible(ctx, key)
	if err != nil {
		return err
	}
	for _, n := range s.loras.list(entries) {
		if n.Scale == 0 || n.Base != ch.model && (!ch.rules.latest || n.Base+":latest" != ch.model) {
			continue
		}
		lease, err := s.registry.Resolve(ctx, adapters.Ref{Name: n.Name, Generation: n.Generation})
		if errors.Is(err, adapters.ErrNotFound) {
			continue // deleted just now
		}
		if err != nil {
			return err
		}
		sel.base = lease.Base
		if i := slices.IndexFunc(sel.used, func(u used) bool { return u.Generation == lease.Generation }); i >= 0 {
			sel.used[i].weight += n.Scale // two names of one content
			lease.Release()
			continue
		}
		sel.used = append(sel.used, used{lease, n.Scale})
	}
	return nil
}

// nameLoras turns the numbers of llama.cpp's clients into names.
func (s *server) nameLoras(ctx context.Context, key KeyInfo, ch *choice) error {
	entries, err := s.visible(ctx, key)
	if err != nil {
		return err
	}
	names := map[int]string{}
	for _, n := range s.loras.list(entries) {
		names[n.ID] = n.Name
	}
	for i := range ch.refs {
		ref := &ch.refs[i]
		name, ok := names[ref.id]
		if !ok {
			return &Error{Status: 404, Type: invalidRequest, Param: ref.path, Code: "model_not_found",
				Message: fmt.Sprintf("There is no adapter with the id %d: GET /lora-adapters lists them.", ref.id)}
		}
		ref.name = name
	}
	return nil
}

// visible lists the adapters that exist for a key.
func (s *server) visible(ctx context.Context, key KeyInfo) ([]adapters.Entry, error) {
	if s.registry == nil {
		return nil, nil
	}
	all, err := s.registry.List(ctx)
	if err != nil {
		return nil, err
	}
	var entries []adapters.Entry
	for _, e := range all {
		if s.mayUse(key, e.Settings) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
