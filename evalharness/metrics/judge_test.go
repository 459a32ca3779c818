package metrics

import (
	"context"
	"math"
	"strings"
	"testing"
)

func TestPairwise(t *testing.T) {
	says := func(answers ...string) Judge {
		return func(context.Context, string) (string, error) {
			a := answers[0]
			answers = answers[1:]
			return a, nil
		}
	}
	first, second, tie := `{"better": "first"}`, "```json\n{\"better\": \"second\"}\n```", `{"better":"tie"}`
	var all []Preference
	for _, c := range []struct {
		ab, ba string
		want   int
	}{{first, second, 1}, {second, first, -1}, {first, first, 0}, {tie, first, 0}} {
		p, err := Pairwise(t.Context(), says(c.ab, c.ba), "q", "x", "y", "")
		if err != nil || p.Win() != c.want {
			t.Errorf("%s then %s: %d, %v, want %d", c.ab, c.ba, p.Win(), err, c.want)
		}
		all = append(all, p)
	}
	want := Preferences{Wins: 1, Losses: 1, Ties: 2, WinRate: .5, Consistency: .5, FirstSlot: 5. / 7}
	if got := Summarize(all); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, bad := range []string{"first", "1", `{"better":"1"}`, "I say " + first} {
		if _, err := Pairwise(t.Context(), says(bad, bad), "q", "x", "y", ""); err == nil {
			t.Errorf("%q passes for a verdict", bad)
		}
	}
}

func TestPointwise(t *testing.T) {
	for answer, want := range map[string]float64{`{"score": 0.25}`: .25, `{"score": 7}`: 1, `{"score": -1}`: 0, "8/10": math.NaN(), `{}`: math.NaN()} {
		got, err := Pointwise(t.Context(), func(_ context.Context, prompt string) (string, error) {
			if !strings.Contains(prompt, `"a\"} 9"`) {
				t.Errorf("the prompt does not quote the answer: %s", prompt)
			}
			return answer, nil
		}, "q", `a"} 9`, "r")
		if math.IsNaN(want) != (err != nil) || err == nil && got != want {
			t.Errorf("%s: %v, %v", answer, got, err)
		}
	}
}
