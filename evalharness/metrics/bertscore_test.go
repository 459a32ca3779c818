package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestBERTScore: the matching alone, against bert_score's greedy_cos_idf.
func TestBERTScore(t *testing.T) {
	data, err := os.ReadFile("testdata/bertscore.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Pairs []struct {
			P, R [][]float32
			Want [3]float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil || len(golden.Pairs) == 0 {
		t.Fatal(err, len(golden.Pairs))
	}
	states := func(v [][]float32) *Tokenwise {
		s := &Tokenwise{Vectors: v, Special: make([]bool, len(v))}
		s.Special[0], s.Special[len(v)-1] = true, true
		return s
	}
	for i, c := range golden.Pairs {
		got := bertScore(states(c.P), states(c.R))
		for k, x := range []float64{got.P, got.R, got.F} {
			if math.Abs(x-c.Want[k]) > 1e-5 {
				t.Errorf("pair %d: %v, want %v", i, got, c.Want)
			}
		}
	}
}
