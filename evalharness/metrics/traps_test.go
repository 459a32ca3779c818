package metrics

import (
	"slices"
	"testing"
)

// What few random texts reach; the values are Python 3.11's, NLTK's and rouge_score's.
func TestTraps(t *testing.T) {
	for text, want := range map[string]string{"ΟΔΟΣ": "οδος", "ΑΣ'Α": "ασ'α", "ΑΣ.": "ας.", "Σ": "σ", "ΑΣΑ": "ασα", "İS": "i\u0307s", "\u212a": "k"} {
		if got := lower(text); got != want {
			t.Errorf("lower %q is %q, want %q", text, got, want)
		}
	}
	for word, want := range map[string]string{"used": "use", "owed": "owe"} {
		if got := Stem(word); got != want {
			t.Errorf("the stem of %q is %q, want %q", word, got, want)
		}
	}
	if got := lcsIndices([]string{"a", "b"}, []string{"b", "a"}); !slices.Equal(got, []int{0}) {
		t.Errorf("of two equal subsequences %v, want the one that rouge_score finds, [0]", got)
	}
}

// A side that always says the same correlates with nothing: scikit-learn gives 0.
func TestMCCOfOneLabel(t *testing.T) {
	m, err := New("mcc", Options{})
	if err != nil {
		t.Fatal(err)
	}
	cases := []Case{{Prediction: "x", References: []string{"x"}}, {Prediction: "y", References: []string{"x"}}}
	if got := m.Corpus(cases); got != 0 {
		t.Errorf("mcc is %v, want 0", got)
	}
}

func FuzzTexts(f *testing.F) {
	f.Add("the cat", "a cat\nİΣ")
	f.Add("", "\xff\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 1<<12 {
			return
		}
		cases := []Case{{Prediction: a, References: []string{b, a}}}
		for _, info := range List() {
			if info.Needs != "" {
				continue
			}
			m, err := New(info.Name, Options{Stem: true})
			if err != nil {
				t.Fatal(err)
			}
			if v := m.Corpus(cases); !(v >= -1 && v <= info.Scale*(1+1e-9)) {
				t.Errorf("%s of %q and %q is %v", info.Name, a, b, v)
			}
		}
		for name := range measures {
			if v, err := Similarity(name, a, b); err != nil || !(v >= 0 && v <= 1+1e-9) {
				t.Errorf("%s of %q and %q is %v, %v", name, a, b, v, err)
			}
		}
	})
}
