package metrics

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// request is what reference/metrics.py is asked.
type request struct {
	Texts    []wireCase `json:"texts,omitempty"`
	Labels   []wireCase `json:"labels,omitempty"`
	Declared []string   `json:"declared,omitempty"`
	Stems    []string   `json:"stems,omitempty"`
}

type wireCase struct {
	Prediction string   `json:"prediction"`
	References []string `json:"references"`
}

func (r *request) cases() []Case {
	var cases []Case
	for _, c := range append(r.Texts[:len(r.Texts):len(r.Texts)], r.Labels...) {
		cases = append(cases, Case{Prediction: c.Prediction, References: c.References})
	}
	return cases
}

// values are a metric's, as the oracle has them.
type values struct {
	Cases  []float64 `json:"cases"`
	Corpus *float64  `json:"corpus"`
}

// near holds values to the oracle's: the same ratios of small numbers, whose last bit
// depends on the order of a few operations.
func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*max(1, math.Abs(want))
}

// check holds all metrics to the oracle's answer.
func check(t *testing.T, r *request, want []byte) (compared int) {
	t.Helper()
	if len(r.Stems) > 0 {
		var stems []string
		if err := json.Unmarshal(want, &stems); err != nil {
			t.Fatal(err)
		}
		for i, w := range r.Stems {
			if got := Stem(w); got != stems[i] {
				t.Errorf("the stem of %q is %q, want %q", w, got, stems[i])
			}
		}
		return len(stems)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(want, &all); err != nil {
		t.Fatal(err)
	}
	cases := r.cases()
	for name, raw := range all {
		if name == "confusion" {
			var counts [][]int
			if err := json.Unmarshal(raw, &counts); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(counts, Confuse(cases, Options{Labels: r.Declared}).Counts); diff != "" {
				t.Errorf("confusion: %s", diff)
			}
			compared++
			continue
		}
		var v values
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		compared += checkMetric(t, name, r.Declared, cases, v)
	}
	return compared
}

func checkMetric(t *testing.T, name string, declared []string, cases []Case, want values) (compared int) {
	t.Helper()
	full := name
	base, stem := strings.CutSuffix(name, "+stem")
	m, err := New(base, Options{Labels: declared, Stem: stem})
	if measure := measures[name]; err != nil && measure.f != nil {
		m, err = &Metric{Cases: each(func(p string, refs []string) float64 { return measure.f(p, refs[0]) })}, nil
	}
	if n := strings.TrimPrefix(base, "rouge"); err != nil && n >= "1" && n <= "9" { // no metrics, but measures
		m, err = &Metric{Cases: each(best(func(p, r string) float64 { return rouge(base, p, r, Options{Stem: stem}).F }))}, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if want.Cases != nil {
		for i, got := range m.Cases(cases) {
			if compared++; !near(got, want.Cases[i], 1e-12) {
				t.Errorf("%s of %q and %q is %v, want %v", full, cases[i].Prediction, cases[i].References, got, want.Cases[i])
			}
		}
	}
	if want.Corpus != nil {
		if compared++; !near(m.Corpus(cases), *want.Corpus, 1e-9) {
			t.Errorf("%s of the set is %v, want %v", full, m.Corpus(cases), *want.Corpus)
		}
	}
	return compared
}

// TestGoldens: values as of the programs named in the files.
func TestGoldens(t *testing.T) {
	for _, name := range []string{"texts", "stems", "labels_union", "labels_declared", "labels_one"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var golden struct {
				Request request         `json:"request"`
				Want    json.RawMessage `json:"want"`
			}
			if err := json.Unmarshal(data, &golden); err != nil {
				t.Fatal(err)
			}
			if check(t, &golden.Request, golden.Want) == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}
