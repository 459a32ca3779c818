package evalharness

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/serving"
)

// encodingFake also encodes: a token a word, whose vector points along its first letter.
type encodingFake struct {
	*fake
	models map[string]int // texts by model and layer
}

func (f *encodingFake) EncodeTokens(_ context.Context, req *serving.TokenStatesRequest) (*serving.TokenStates, error) {
	out := &serving.TokenStates{Layer: max(req.Layer, 1)}
	for _, text := range req.Texts {
		f.models[req.Model+" "+strings.Repeat("|", req.Layer)]++
		s := serving.TextStates{}
		for _, w := range append(append([]string{"["}, strings.Fields(text)...), "]") {
			v := make([]float32, 128)
			v[w[0]] = 2
			s.IDs, s.Strings, s.Vectors = append(s.IDs, int32(w[0])), append(s.Strings, w), append(s.Vectors, v)
			s.Special = append(s.Special, w == "[" || w == "]")
		}
		out.Texts = append(out.Texts, s)
	}
	return out, nil
}

// TestBERTScoreDecides: the metric of a task reaches the server's encoder, with its
// model, layer, idf and baseline, and its details are in the result.
func TestBERTScoreDecides(t *testing.T) {
	baseline := "LAYER,P,R,F\n0,0,0,0\n1,0,0,0\n2,.5,.5,.5\n"
	for _, c := range []struct {
		spec, signature string
		value           func(share float64) float64
	}{
		{"bertscore", "model:all-minilm-l6-v2|layer:last|idf:no", func(x float64) float64 { return x }},
		{"{name: bertscore, model: bert=./some-folder, layer: 2, idf: true, baseline: b.csv}", "model:bert|layer:2|idf:40-references|padding:none|refs:max|rescaled:0.5,0.5,0.5",
			func(x float64) float64 { return (x - .5) / .5 }},
	} {
		task := fakeTask(t, 40, "labels: []\nsearch: {budget: 80, dev_rows: 25, shots: []}\ndev_share: 0.4\nmetrics: [exact_match]\nmetric: "+c.spec+"\n")
		if err := os.WriteFile(filepath.Join(task.dir, "b.csv"), []byte(baseline), 0o644); err != nil {
			t.Fatal(err)
		}
		f := &encodingFake{newFake(func(model, q string, _ *serving.Request) string {
			if model == "tuned" {
				return right(q, 90, 1)
			}
			return right(q, 40, 2)
		}), map[string]int{}}
		o := fakeOptions(t, task, f.fake)
		o.Base = &Endpoint{Name: "fake", Backend: f, Identity: "fake"}
		res, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		m := res.Settings.Metrics[0]
		if m.Name != "bertscore" || !strings.Contains(m.Signature, c.signature) || res.Verdict().Outcome != ClearWin {
			t.Errorf("%s: %+v, %s", c.spec, m, res.Verdict().Outcome)
		}
		for _, arm := range res.Arms {
			v := arm.Metrics["bertscore"]
			// Words of one letter each: an answer's cosine with the reference is 0 or 1.
			if want := c.value(arm.Metrics["exact_match"].Value); math.Abs(v.Value-want) > 1e-9 || v.Details["precision"] != v.Value {
				t.Errorf("%s of %s: %+v, want %v", c.spec, arm.Name, v, want)
			}
		}
		if len(f.models) != 1 {
			t.Errorf("encoded by %v", f.models)
		}
	}
	task := fakeTask(t, 25, "labels: []\nmetric: bertscore\nretrieval: {embedder: none}\n")
	if _, err := Run(t.Context(), fakeOptions(t, task, newFake(nil))); err == nil || !strings.Contains(err.Error(), "bertscore: it needs a model") {
		t.Errorf("without a model: %v", err)
	}
}
