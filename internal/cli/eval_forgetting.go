package cli

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"graft/adapters"
	"graft/evalharness"
	"graft/evalharness/forgetting"
	"graft/serving"
)

// forgets measures what an adapter, by the name that answers for it, has unlearnt of its
// base. The checkpoints of the job that made it are asked when it fails.
func forgets(cl *client, back serving.Backend, base, adapter, generation string, made *adapters.Lineage) func(context.Context, func(serving.Backend) serving.Backend, func(done, total int)) (*evalharness.Forgetting, error) {
	model := func(back serving.Backend, name string) *forgetting.Model {
		return &forgetting.Model{Backend: back, Name: name, Tokenize: func(ctx context.Context, text string) ([]int32, error) {
			return cl.plainTokens(ctx, base, text)
		}}
	}
	return func(ctx context.Context, keep func(serving.Backend) serving.Backend, progress func(done, total int)) (*evalharness.Forgetting, error) {
		o := forgetting.Options{Progress: progress}
		kept := keep(back)
		if made != nil {
			names, err := cl.earlier(ctx, made.Job, generation)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				o.Earlier = append(o.Earlier, model(kept, name))
			}
		}
		return forgetting.Run(ctx, model(kept, base), model(kept, adapter), o)
	}
}

// checkpoint is a model that a job left on its way.
type checkpoint struct {
	Name string `json:"fine_tuned_model_checkpoint"`
	Step int    `json:"step_number"`
}

// earlier are the checkpoints of a job before the one of a generation, the latest first;
// none when the job is gone.
func (c *client) earlier(ctx context.Context, job, generation string) (names []string, err error) {
	if job == "" {
		return nil, nil
	}
	var list struct {
		Data []checkpoint `json:"data"`
	}
	var gone *refused
	err = c.call(ctx, http.MethodGet, jobPath(job, "checkpoints")+"?limit=100", nil, &list)
	if errors.As(err, &gone) && gone.status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Data, func(a, b checkpoint) int { return b.Step - a.Step })
	for _, one := range list.Data {
		var a adapterInfo
		err := c.call(ctx, http.MethodGet, adapterPath(one.Name, ""), nil, &a)
		switch {
		case errors.As(err, &gone) && gone.status == http.StatusNotFound: // deleted
		case err != nil:
			return nil, err
		case a.Generation == generation:
			names = nil // those so far came after it
		default:
			names = append(names, one.Name)
		}
	}
	return names, nil
}
