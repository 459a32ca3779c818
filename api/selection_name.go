package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"graft/adapters"
	"graft/serving"
)

// named leases the adapter that model names, in the order of selection.go; nil:
// it names none, and the backend says whether it is a model.
func (s *server) named(ctx context.Context, key KeyInfo, model string, latest bool) (*adapters.Lease, error) {
	if s.registry == nil || model == "" {
		return nil, nil
	}
	models, err := s.models.Models(ctx)
	if err != nil {
		return nil, err
	}
	if short := strings.TrimSuffix(model, ":latest"); latest && short != model && !hasModel(models, model) {
		if lease, err := s.lease(ctx, key, adapters.Ref{Name: model}); lease != nil || err != nil {
			return lease, err
		}
		model = short
	}
	return s.find(ctx, key, models, model)
}

func hasModel(models []serving.Model, id string) bool {
	return slices.ContainsFunc(models, func(m serving.Model) bool { return m.ID == id })
}

// find is named for one spelling.
func (s *server) find(ctx context.Context, key KeyInfo, models []serving.Model, name string) (*adapters.Lease, error) {
	lease, err := s.lease(ctx, key, adapters.Ref{Name: name})
	if err != nil {
		return nil, err
	}
	if hasModel(models, name) {
		return s.shadowing(ctx, lease)
	}
	if lease != nil {
		return lease, nil
	}
	if lease, err = s.atGeneration(ctx, key, name); lease != nil || err != nil {
		return lease, err
	}
	for _, m := range models {
		alias, ok := afterBase(name, m.ID)
		if !ok {
			continue
		}
		if lease, err = s.lease(ctx, key, adapters.Ref{Name: alias}); lease == nil && err == nil {
			lease, err = s.atGeneration(ctx, key, alias)
		}
		if err != nil {
			return nil, err
		}
		if lease == nil {
			continue
		}
		if base := lease.Base; base != m.ID {
			lease.Release()
			return nil, invalid("model", "adapter_base_mismatch", "Invalid 'model': the adapter '%s' belongs to the model '%s', not to '%s'; ask for '%s'.", clip(alias, 200), base, m.ID, clip(alias, 200))
		}
		return lease, nil
	}
	return nil, s.noGeneration(ctx, key, name)
}

// shadowing is the lease of an adapter that has the name of a model, if it was
// registered to go before it.
func (s *server) shadowing(ctx context.Context, lease *adapters.Lease) (*adapters.Lease, error) {
	if lease == nil {
		return nil, nil
	}
	e, err := s.registry.Get(ctx, lease.Name)
	if err == nil && e.Shadow {
		return lease, nil
	}
	lease.Release()
	if isUnknown(err) {
		err = nil // deleted just now
	}
	return nil, err
}

// afterBase is what follows base: or base:: in name.
func afterBase(name, base string) (alias string, ok bool) {
	rest, ok := strings.CutPrefix(name, base+":")
	alias = strings.TrimPrefix(rest, ":")
	return alias, ok && alias != ""
}

// atGeneration leases name@generation; nil: it is not of that form, or unknown.
func (s *server) atGeneration(ctx context.Context, key KeyInfo, text string) (*adapters.Lease, error) {
	i := strings.LastIndexByte(text, '@')
	if i <= 0 {
		return nil, nil
	}
	generation, ok := parseGeneration(text[i+1:])
	if !ok {
		return nil, nil
	}
	return s.lease(ctx, key, adapters.Ref{Name: text[:i], Generation: generation})
}

// noGeneration says what is wrong with a text that names nothing and has an @,
// which the names of adapters do not; nil: it has none.
func (s *server) noGeneration(ctx context.Context, key KeyInfo, text string) error {
	i := strings.LastIndexByte(text, '@')
	if i <= 0 {
		return nil
	}
	if _, ok := parseGeneration(text[i+1:]); !ok {
		return invalid("model", "invalid_value", "Invalid 'model': '%s' has no generation after '@': %s", clip(text, 200), generationForm)
	}
	return unknownAdapter(reference{path: "model", name: text}, s.near(ctx, key, text))
}

// referred leases what a field other than model refers to.
func (s *server) referred(ctx context.Context, key KeyInfo, ref reference) (*adapters.Lease, error) {
	if s.registry == nil {
		return nil, unknownAdapter(ref, "")
	}
	var lease *adapters.Lease
	var err error
	switch {
	case ref.name == "":
		lease, err = s.byGeneration(ctx, key, ref)
	case ref.generation != "":
		lease, err = s.lease(ctx, key, adapters.Ref{Name: ref.name, Generation: ref.generation})
	default:
		var models []serving.Model
		if models, err = s.models.Models(ctx); err != nil {
			return nil, err
		}
		// An adapter is asked for: one that has the name of a model goes first here.
		if lease, err = s.lease(ctx, key, adapters.Ref{Name: ref.name}); lease == nil && err == nil {
			lease, err = s.find(ctx, key, models, ref.name)
		}
	}
	var e *Error
	if errors.As(err, &e) && e.Param == "model" {
		e.Param, e.Message = ref.path, strings.Replace(e.Message, "'model'", "'"+ref.path+"'", 1)
	}
	if lease == nil && err == nil {
		return nil, unknownAdapter(ref, s.near(ctx, key, ref.name))
	}
	return lease, err
}

// byGeneration leases a generation by the first name that stands for it and that
// the key may use, with the settings and limits of that name. One that no name
// stands for now is leased by itself, under the rules of access of the names that
// it has had.
func (s *server) byGeneration(ctx context.Context, key KeyInfo, ref reference) (*adapters.Lease, error) {
	entries, err := s.visible(ctx, key)
	if err != nil {
		return nil, err
	}
	var found adapters.Ref
	for _, e := range entries {
		switch {
		case !strings.HasPrefix(e.Generation, ref.generation) || e.Generation == found.Generation:
		case found.Generation != "":
			return nil, invalid(ref.path, "ambiguous_generation", "Invalid '%s': more than one generation begins with %s; write more of it.", ref.path, ref)
		default:
			found = adapters.Ref{Name: e.Name, Generation: e.Generation}
		}
	}
	if found.Generation == "" {
		found.Generation = ref.generation
	}
	return s.lease(ctx, key, found)
}

// lease resolves ref; nil: it does not exist for this key.
func (s *server) lease(ctx context.Context, key KeyInfo, ref adapters.Ref) (*adapters.Lease, error) {
	lease, err := s.registry.Resolve(ctx, ref)
	if isUnknown(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !s.mayUse(key, lease.Settings) {
		lease.Release()
		return nil, nil
	}
	return lease, nil
}

// isUnknown: a name that no adapter can have is one that none has.
func isUnknown(err error) bool {
	return errors.Is(err, adapters.ErrNotFound) || errors.Is(err, adapters.ErrName)
}

// mayUse says whether an adapter with these settings exists for a key.
func (s *server) mayUse(key KeyInfo, settings adapters.Settings) bool {
	return len(settings.Keys) == 0 || s.isAdmin(key) ||
		slices.Contains(settings.Keys, key.ID) || key.Name != "" && slices.Contains(settings.Keys, key.Name)
}

// isAdmin says whether a key may change what is served. A server that asks for
// no keys lets everybody.
func (s *server) isAdmin(key KeyInfo) bool { return key.Admin || !s.Options.RequireKeys }
