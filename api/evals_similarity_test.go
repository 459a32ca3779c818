package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/evalharness/graders"
	"graft/evalharness/metrics"
	"graft/serving"
)

// similarities are texts with what every evaluation_metric gives for them, by
// reference/metrics.py: rouge_score, nltk, sacrebleu, rapidfuzz, transformers, bert_score.
type similarities struct {
	Pairs [][2]string
	Want  map[string][]float64
}

func readSimilarities(t *testing.T) similarities {
	t.Helper()
	var s similarities
	data, err := os.ReadFile("../evalharness/metrics/testdata/similarities.json")
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(graders.Metrics)), slices.Sorted(maps.Keys(s.Want))); diff != "" {
		t.Fatalf("the oracle has other measures than evaluation_metric takes: %s", diff)
	}
	return s
}

// byFake computes cosine and bertscore of the fake's vectors in place of a model's, whose
// values test/e2e holds to the oracle's.
func (s *similarities) byFake(t *testing.T, b *evalBench) {
	t.Helper()
	for i, p := range s.Pairs {
		e, err := b.fake.Embed(t.Context(), &serving.EmbedRequest{Model: "fake-embed", Inputs: []serving.EmbedInput{{Text: p[0]}, {Text: p[1]}}})
		if err != nil {
			t.Fatal(err)
		}
		dot := 0.0
		for k := range e.Vectors[0] {
			dot += float64(e.Vectors[0][k]) * float64(e.Vectors[1][k])
		}
		s.Want["cosine"][i] = dot
	}
	// Equal texts match themselves; of the fake's others no value is known from elsewhere.
	s.Want["bertscore"] = slices.Repeat([]float64{math.NaN()}, len(s.Pairs))
	s.Want["bertscore"][slices.Index(s.Pairs, [2]string{"", "something"})] = 0
	s.Want["bertscore"][slices.IndexFunc(s.Pairs, func(p [2]string) bool { return p[0] == p[1] })] = 1
}

// TestSimilarityGraders: each evaluation_metric gives what its oracle gives, when a grader
// is run by itself.
func TestSimilarityGraders(t *testing.T) {
	b := newEvalBench(t)
	s := readSimilarities(t)
	s.byFake(t, b)
	for name, want := range s.Want {
		for i, p := range s.Pairs {
			body, err := json.Marshal(map[string]any{"model_sample": p[0], "item": map[string]string{"a": p[1]}, "grader": map[string]any{
				"type": "text_similarity", "name": "g", "input": "{{sample.output_text}}", "reference": "{{item.a}}", "evaluation_metric": name}})
			if err != nil {
				t.Fatal(err)
			}
			got := fieldsOf(t, do(b, "POST", "/v1/fine_tuning/alpha/graders/run", string(body)), 200)
			meta := got["metadata"].(map[string]any)
			if score := got["reward"].(float64); !near(score, want[i]) {
				t.Errorf("%s of %q and %q is %v, want %v", name, p[0], p[1], score, want[i])
			}
			if signature, _ := meta["x_signature"].(string); !strings.HasPrefix(signature, metrics.SimilaritySignature(name)) || signature == "" || strings.HasSuffix(signature, "model:") {
				t.Errorf("%s is signed %q", name, signature)
			}
			for flag, set := range meta["errors"].(map[string]any) {
				if set == true {
					t.Errorf("%s: %s", name, flag)
				}
			}
		}
	}
}

// near: no number says that any share will do.
func near(got, want float64) bool {
	if math.IsNaN(want) {
		return got >= 0 && got <= 1+1e-9
	}
	return math.Abs(got-want) <= 1e-6
}

// TestSimilarityEvals: the same as criteria of an eval, where the threshold decides.
func TestSimilarityEvals(t *testing.T) {
	b := newEvalBench(t)
	s := readSimilarities(t)
	s.byFake(t, b)
	var criteria, rows []any
	names := slices.Sorted(maps.Keys(s.Want))
	for _, name := range names {
		criteria = append(criteria, map[string]any{"type": "text_similarity", "name": name, "input": "{{sample.output_text}}", "reference": "{{item.a}}", "evaluation_metric": name, "pass_threshold": .4})
	}
	for _, p := range s.Pairs {
		rows = append(rows, map[string]any{"item": map[string]string{"a": p[1]}, "sample": map[string]string{"output_text": p[0]}})
	}
	post := func(path string, body any, status int) map[string]any {
		t.Helper()
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return fieldsOf(t, do(b, "POST", path, string(data)), status)
	}
	made := post("/v1/evals", map[string]any{"testing_criteria": criteria, "data_source_config": map[string]any{"type": "custom", "include_sample_schema": true,
		"item_schema": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]string{"type": "string"}}}}}, 201)
	runs := fmt.Sprintf("/v1/evals/%s/runs", made["id"])
	run := post(runs, map[string]any{"data_source": map[string]any{"type": "jsonl", "source": map[string]any{"type": "file_content", "content": rows}}}, 201)
	ended := b.ended(t, fmt.Sprintf("%s/%s", runs, run["id"]))
	if counts := ended["result_counts"].(map[string]any); ended["status"] != "completed" || counts["errored"] != 0. || counts["total"] != float64(len(rows)) {
		t.Fatalf("the run ended as %v, %v", ended["status"], counts)
	}
	items := fieldsOf(t, do(b, "GET", fmt.Sprintf("%s/%s/output_items?limit=100", runs, run["id"]), ""), 200)["data"].([]any)
	if len(items) != len(rows) {
		t.Fatalf("%d items of %d rows", len(items), len(rows))
	}
	for _, item := range items {
		i := int(item.(map[string]any)["datasource_item_id"].(float64))
		results := item.(map[string]any)["results"].([]any)
		if len(results) != len(names) {
			t.Fatalf("row %d has %d results", i, len(results))
		}
		for k, name := range names {
			r := results[k].(map[string]any)
			score := r["score"].(float64)
			if !near(score, s.Want[name][i]) || r["passed"] != (score >= .4) || !strings.HasPrefix(r["name"].(string), name+"-") {
				t.Errorf("%s of %q and %q: %v, want %v", name, s.Pairs[i][0], s.Pairs[i][1], r, s.Want[name][i])
			}
		}
	}
}
