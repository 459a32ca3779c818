package metrics

import (
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	cases := []Case{
		{Prediction: " The cat!", References: []string{"dog", "cat"}},
		{Prediction: "cat", References: []string{"cat"}, Failed: true},
	}
	for name, want := range map[string]float64{"exact_match": .5, "em_squad": .5, "em_strict": 0, "accuracy": 0, "f1_squad": .5} {
		m, err := New(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Corpus(cases); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
		if m.Signature == "" || m.Doc == "" || m.Scale == 0 || m.Margin == 0 {
			t.Errorf("%s lacks a signature, doc, scale or margin", name)
		}
	}
	if _, err := New("rogue", Options{}); err == nil || !strings.Contains(err.Error(), "exact_match") {
		t.Errorf("an unknown name gives %v, want an error that lists the names", err)
	}
}
