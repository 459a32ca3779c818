package metrics

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// similarities is testdata/similarities.json.
type similarities struct {
	Pairs [][2]string
	Want  map[string][]float64
}

// TestSimilarities: every measure of text_similarity that needs no model, by its name
// there, as the programs have it that made it known. api's tests ask for all of them over
// HTTP.
func TestSimilarities(t *testing.T) {
	var golden similarities
	readGolden(t, "similarities.json", &golden)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(golden.Want)), Similarities()); diff != "" {
		t.Errorf("measures -oracle +here: %s", diff)
	}
	for name, want := range golden.Want {
		if SimilaritySignature(name) == "" {
			t.Errorf("%s has no signature", name)
		}
		for i, p := range golden.Pairs {
			got, err := Similarity(name, p[0], p[1])
			if modelled[name] != "" {
				if !errors.Is(err, ErrNeedsModel) {
					t.Errorf("%s: %v, want %v", name, err, ErrNeedsModel)
				}
				continue
			}
			if err != nil || math.Abs(got-want[i]) > 1e-12 {
				t.Errorf("%s of %q and %q is %v, %v, want %v", name, p[0], p[1], got, err, want[i])
			}
		}
	}
	if _, err := Similarity("magic", "", ""); err == nil {
		t.Error("a measure that there is not gives a value")
	}
}
