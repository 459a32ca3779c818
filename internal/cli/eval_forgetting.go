package cli

import (
	"context"
	"net/http"

	"graft/evalharness"
	"graft/evalharness/forgetting"
	"graft/serving"
)

// forgets measures what an adapter, by the name that answers for it, has unlearnt of its
// base.
func forgets(cl *client, back serving.Backend, base, adapter string) func(context.Context, func(done, total int)) (*evalharness.Forgetting, error) {
	tokenize := func(ctx context.Context, text string) ([]int32, error) {
		var got struct {
			Tokens []int32 `json:"tokens"`
		}
		err := cl.call(ctx, http.MethodPost, "/tokenize", map[string]any{"model": base, "prompt": text, "add_special_tokens": false}, &got)
		return got.Tokens, err
	}
	return func(ctx context.Context, progress func(done, total int)) (*evalharness.Forgetting, error) {
		return forgetting.Run(ctx,
			&forgetting.Model{Backend: back, Name: base, Tokenize: tokenize},
			&forgetting.Model{Backend: back, Name: adapter, Tokenize: tokenize}, forgetting.Options{Progress: progress})
	}
}
