package metrics

import (
	"context"
	"errors"
	"math"
	"testing"

	"graft/serving"
)

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		prediction, reference string
		fields                []string
		valid, want           float64
	}{
		{`{"a":1,"b":"x"}`, `{"b":"x","a":1.0}`, nil, 1, 1},
		{`{"a":1,"b":"y"}`, `{"a":1,"b":"x"}`, nil, 1, .5},
		{`{"a":1,"extra":0}`, `{"a":1}`, nil, 1, 1},
		{`{"a":null}`, `{"b":1}`, []string{"a", "b"}, 1, 0},
		{`{"a":[1,{"x":2}]}`, `{"a":[1,{"x":2e0}]}`, nil, 1, 1},
		{`{"a":"1"}`, `{"a":1}`, nil, 1, 0},
		{`{"a":1} and more`, `{"a":1}`, nil, 0, 0},
		{`[1]`, `[1]`, nil, 1, 1},
		{``, `{}`, nil, 0, 0},
	} {
		valid, err := New("json_valid", Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := New("json_fields", Options{Fields: c.fields})
		if err != nil {
			t.Fatal(err)
		}
		cases := []Case{{Prediction: c.prediction, References: []string{c.reference}}}
		if got := valid.Corpus(cases); got != c.valid {
			t.Errorf("json_valid of %s is %v", c.prediction, got)
		}
		if got := m.Corpus(cases); got != c.want {
			t.Errorf("json_fields of %s and %s is %v, want %v", c.prediction, c.reference, got, c.want)
		}
	}
}

// TestJSONOracle: what is JSON, and which values are equal, by Python's json.
func TestJSONOracle(t *testing.T) {
	var golden struct {
		Pairs [][2]string
		Want  map[string][]float64
	}
	readGolden(t, "json.json", &golden)
	for name, want := range golden.Want {
		m, err := New(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range golden.Pairs {
			if got := m.Cases([]Case{{Prediction: p[0], References: []string{p[1]}}})[0]; math.Abs(got-want[i]) > 1e-12 {
				t.Errorf("%s of %s and %s is %v, want %v", name, p[0], p[1], got, want[i])
			}
		}
	}
}

// TestEmbeddingSimilarityOracle: as the mean of BERT's hidden states has it in torch.
func TestEmbeddingSimilarityOracle(t *testing.T) {
	b := encoder(t)
	var golden similarities
	readGolden(t, "similarities.json", &golden)
	m, err := New("embedding_similarity", Options{EmbedModel: "minilm", Embed: func(ctx context.Context, texts []string) (v [][]float32, err error) {
		r := &serving.EmbedRequest{Model: "minilm"}
		for _, text := range texts {
			r.Inputs = append(r.Inputs, serving.EmbedInput{Text: text})
		}
		e, err := b.Embed(ctx, r)
		if err != nil {
			return nil, err
		}
		return e.Vectors, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range golden.Pairs {
		one := []Case{{Prediction: p[0], References: []string{p[1]}}}
		if err := m.Prepare(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		want := golden.Want["cosine"][i]
		if p[0] == "" || p[1] == "" {
			want = 0 // an empty answer is worth nothing, whatever an encoder makes of [CLS] [SEP]
		}
		if got := m.Corpus(one); math.Abs(got-want) > 1e-5 {
			t.Errorf("%q and %q: %v, want %v", p[0], p[1], got, want)
		}
	}
}

func TestEmbeddingSimilarity(t *testing.T) {
	vectors := map[string][]float32{"x": {1, 0}, "y": {3, 4}}
	m, err := New("embedding_similarity", Options{EmbedModel: "fake", Embed: func(_ context.Context, texts []string) ([][]float32, error) {
		var out [][]float32
		for _, text := range texts {
			if vectors[text] == nil {
				return nil, errors.New("no vector")
			}
			out = append(out, vectors[text])
		}
		return out, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []Case{{Prediction: "x", References: []string{"y"}}, {Prediction: "x", References: []string{"x"}, Failed: true}}
	if got := m.Cases(cases)[0]; !math.IsNaN(got) {
		t.Errorf("not prepared: %v, want NaN", got)
	}
	if err := m.Prepare(t.Context(), cases); err != nil {
		t.Fatal(err)
	}
	if got := m.Cases(cases); math.Abs(got[0]-.6) > 1e-12 || got[1] != 0 {
		t.Errorf("similarities %v, want .6 and 0", got)
	}
	if err := m.Prepare(t.Context(), []Case{{Prediction: "z"}}); err == nil {
		t.Error("an error of the model is lost")
	}
}
