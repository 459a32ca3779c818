package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/serving"
	"graft/serving/native"
)

func readGolden(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// TestBERTScoreMatching: the matching alone, against bert_score's greedy_cos_idf.
func TestBERTScoreMatching(t *testing.T) {
	var golden struct {
		Pairs []struct {
			P, R [][]float32
			Want [3]float64
		}
	}
	if readGolden(t, "bertscore.json", &golden); len(golden.Pairs) == 0 {
		t.Fatal("no pairs")
	}
	states := func(v [][]float32) *Tokenwise {
		s := &Tokenwise{Vectors: v, IDs: make([]int32, len(v)), Special: make([]bool, len(v))}
		s.Special[0], s.Special[len(v)-1] = true, true
		return s
	}
	for i, c := range golden.Pairs {
		got := (&bertScorer{}).score(states(c.P), states(c.R))
		for k, x := range []float64{got.P, got.R, got.F} {
			if math.Abs(x-c.Want[k]) > 1e-6 {
				t.Errorf("pair %d: %v, want %v", i, got, c.Want)
			}
		}
	}
}

// encoder is graft's engine with all-minilm-l6-v2.
func encoder(t *testing.T) *native.Backend {
	t.Helper()
	if kernel.Impl() == "generic" {
		t.Skip("portable kernels take minutes for a real model, and give the same bits")
	}
	o := native.DefaultOptions()
	o.Models = []native.Source{{Info: serving.Model{ID: "minilm"}, Open: func(context.Context) (string, error) { return hubtest.Model(t, "all-minilm-l6-v2"), nil }}}
	b, err := native.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

func encodeWith(e serving.TokenEncoder, layer int) EncodeFunc {
	return func(ctx context.Context, texts []string) ([]Tokenwise, error) {
		got, err := e.EncodeTokens(ctx, &serving.TokenStatesRequest{Model: "minilm", Texts: texts, Layer: layer, Truncate: true})
		if err != nil {
			return nil, err
		}
		var out []Tokenwise
		for _, s := range got.Texts {
			out = append(out, Tokenwise{s.Vectors, s.IDs, s.Special})
		}
		return out, nil
	}
}

// TestBERTScore: P, R and F of real texts by a real encoder, as bert_score has them, at
// several layers, with and without idf and baselines.
func TestBERTScore(t *testing.T) {
	e := encoder(t)
	var golden struct {
		Cases []wireCase
		IDs   [][]int32
		Runs  []struct {
			Layer    int
			IDF      bool
			Baseline []float64
			Want     [][3]*float64
		}
	}
	readGolden(t, "bertscore_minilm.json", &golden)
	cases := (&request{Texts: golden.Cases}).cases()
	var references, answers []string
	for _, c := range cases {
		references, answers = append(references, c.References...), append(answers, trim(c.Prediction))
	}
	states, err := encodeWith(e, 1)(t.Context(), answers)
	if err != nil {
		t.Fatal(err)
	}
	for i := range states {
		if !slices.Equal(states[i].IDs, golden.IDs[i]) {
			t.Errorf("%.40q has tokens %v, want %v", answers[i], states[i].IDs, golden.IDs[i])
		}
	}
	compared, furthest := 0, 0.0
	for _, run := range golden.Runs {
		o := Options{Encode: encodeWith(e, run.Layer), EncodeModel: "minilm", Layer: run.Layer}
		if run.IDF {
			o.IDF, o.IDFTexts = true, references
		}
		if run.Baseline != nil {
			o.Baseline = baselineOf(t, run.Layer)
		}
		m, err := New("bertscore", o)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Prepare(t.Context(), cases); err != nil {
			t.Fatal(err)
		}
		for i := range cases {
			one := cases[i : i+1]
			d := m.Details(one)
			for k, got := range []float64{d["precision"], d["recall"], m.Cases(one)[0]} {
				want := run.Want[i][k]
				if want == nil { // all weights are 0: no number there, 0 here
					continue
				}
				compared++
				furthest = max(furthest, math.Abs(got-*want))
				if !(math.Abs(got-*want) <= 1e-5) {
					t.Errorf("layer %d, idf %v, baseline %v: %s of %.40q and %.40q is %v, want %v", run.Layer, run.IDF, run.Baseline, []string{"P", "R", "F"}[k], one[0].Prediction, one[0].References, got, *want)
				}
			}
		}
		if d := m.Details(cases); d["empty"] != 4 {
			t.Errorf("%v empty answers, want 4: \"\" twice, blanks, and what the tokenizer drops", d["empty"])
		}
	}
	if compared < 400 {
		t.Errorf("only %d values were compared", compared)
	}
	t.Logf("%d values, the furthest is off by %.2g", compared, furthest)
}

func baselineOf(t *testing.T, layer int) *Baseline {
	t.Helper()
	f, err := os.Open("testdata/bertscore_baseline.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := ReadBaseline(f, layer)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadBaseline(t *testing.T) {
	if got := baselineOf(t, 4); *got != (Baseline{.27, .28, .275}) {
		t.Errorf("layer 4: %v", got)
	}
	for text, want := range map[string]string{
		"":                             "first line",
		"layer,p\n":                    "first line",
		"LAYER,P,R,F\n1,.1,.1,.1\n":    "no row of layer 2",
		"LAYER,P,R,F\n2,.1,.1\n":       "wrong number of fields",
		"LAYER,P,R,F\n2,.1,.1,1\n":     "line 2",
		"LAYER,P,R,F\n1,x,x,x\n2,x,,,": "wrong number of fields",
		"LAYER,P,R,F\n2,.1,NaN,.1":     "line 2",
	} {
		if b, err := ReadBaseline(strings.NewReader(text), 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v, want an error with %q", text, b, err, want)
		}
	}
}

// What BERTScore refuses, and what it does with an encoder that fails or lies.
func TestBERTScoreRefuses(t *testing.T) {
	if _, err := New("bertscore", Options{}); err == nil || !strings.Contains(err.Error(), "hidden states") {
		t.Errorf("without an encoder: %v", err)
	}
	fine := func(context.Context, []string) ([]Tokenwise, error) { return nil, nil }
	if _, err := New("bertscore", Options{Encode: fine, IDF: true, IDFTexts: make([]string, leastIDF-1)}); err == nil || !strings.Contains(err.Error(), "20 are needed") {
		t.Errorf("idf of few references: %v", err)
	}
	down := errors.New("the encoder is down")
	for name, f := range map[string]EncodeFunc{
		"the encoder is down": func(context.Context, []string) ([]Tokenwise, error) { return nil, down },
		"of 0 texts":          fine,
		"1 vectors, 2 ids": func(context.Context, []string) ([]Tokenwise, error) {
			return []Tokenwise{{[][]float32{{1}}, []int32{1, 2}, []bool{true}}}, nil
		},
		"has 2 numbers": func(context.Context, []string) ([]Tokenwise, error) {
			return []Tokenwise{{[][]float32{{1}, {1, 2}}, []int32{1, 2}, []bool{true, false}}}, nil
		},
	} {
		m, err := New("bertscore", Options{Encode: f})
		if err != nil {
			t.Fatal(err)
		}
		cases := []Case{{Prediction: "a", References: []string{"b"}}}
		if err := m.Prepare(t.Context(), cases); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, have %v", name, err)
		}
		if got := m.Cases(cases)[0]; !math.IsNaN(got) {
			t.Errorf("%s: the score is %v, want NaN", name, got)
		}
	}
}
