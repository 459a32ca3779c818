package evalharness

import (
	"context"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/serving"
	"graft/serving/native"
)

// TestJudgeReal: the small model can be a judge, if not a good one: held to the schema, it
// says something that can be read of nearly all answers.
func TestJudgeReal(t *testing.T) {
	if testing.Short() || kernel.Impl() == "generic" {
		t.Skip("a real model takes some time, on portable kernels minutes")
	}
	o := native.DefaultOptions()
	o.Models = []native.Source{{Info: serving.Model{ID: "big"}, Open: func(context.Context) (string, error) { return hubtest.Model(t, "smollm2-135m-instruct"), nil }}}
	b, err := native.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	for _, metric := range []string{"judge", "judge_pairwise"} {
		task := fakeTask(t, 22, "labels: []\nsearch: {budget: 20, dev_rows: 5, shots: [], chain_of_thought: false}\nretrieval: {embedder: none}\narms: [zero_shot, best_prompt, adapter]\nmetrics: [exact_match]\nmetric: {name: "+metric+", model: big}\n")
		opts := fakeOptions(t, task, newFake(func(model, q string, _ *serving.Request) string {
			if model == "tuned" {
				return right(q, 90, 1)
			}
			return right(q, 40, 2)
		}))
		opts.Judges = map[string]*Endpoint{metric: {Name: "judge", Identity: "smollm2", Backend: b}}
		res, err := Run(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range res.Arms {
			v := a.Metrics[metric]
			if v.Details["invalid"] > 1 || v.Value < 0 || v.Value > 1 {
				t.Errorf("%s of %s: %+v", metric, a.Name, v)
			}
		}
		if res.Judging == nil || res.Judging.CompletionTokens < 10*res.Judging.Calls {
			t.Errorf("%s cost %+v: a judgement has a reason", metric, res.Judging)
		}
		t.Logf("%s: %+v; the adapter's answers are right in %.2f of the cases, the base's in %.2f: %.3f and %.3f, %v", metric, *res.Judging,
			res.Arm(KindAdapter).Metrics["exact_match"].Value, res.Arm(KindBestPrompt).Metrics["exact_match"].Value,
			res.Arm(KindAdapter).Primary, res.Arm(KindBestPrompt).Primary, res.Arm(KindAdapter).Metrics[metric].Details)
	}
}
