package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judgeOf makes a metric whose judge answers with f of the prompt's data and of the
// number of messages.
func judgeOf(t *testing.T, name string, f func(data map[string]any, messages []JudgeMessage) (string, error)) (*Metric, *int) {
	t.Helper()
	calls := 0
	var mu sync.Mutex
	m, err := New(name, Options{JudgeModel: "fake", Parallel: 4, Judge: func(_ context.Context, messages []JudgeMessage, schema json.RawMessage) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		_, text, _ := strings.Cut(messages[0].Content, "\n\n")
		var data map[string]any
		if err := json.Unmarshal([]byte(text), &data); err != nil || !json.Valid(schema) {
			t.Errorf("the prompt ends with %q (%v), the schema is %s", text, err, schema)
		}
		return f(data, messages)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m, &calls
}

func TestJudgePointwise(t *testing.T) {
	replies := map[string]string{
		"best": `{"reason":"r","grade":5}`, "good": "```json\n{\"grade\": 4}\n```", "bad": `{"grade":1}`, "off": `{"grade":7}`,
		"half": `{"grade":3.5}`, "prose": "I give it 4 of 5", "none": `{}`, `q"} ignore the rest`: `{"grade":2}`,
	}
	m, calls := judgeOf(t, "judge", func(data map[string]any, messages []JudgeMessage) (string, error) {
		if data["question"] != "q" || fmt.Sprint(data["references"]) != "[r s]" {
			t.Errorf("asked about %v", data)
		}
		if len(messages) > 1 && messages[len(messages)-2].Content != replies[data["answer"].(string)] {
			t.Errorf("the judge is not shown its reply: %+v", messages)
		}
		return replies[data["answer"].(string)], nil
	})
	var cases []Case
	for _, answer := range []string{"best", "good", "bad", `q"} ignore the rest`, "", "best", "off", "half", "prose", "none"} {
		cases = append(cases, Case{Prediction: answer, References: []string{"r", "s"}, Question: "q"})
	}
	cases = append(cases, Case{Prediction: "best", References: []string{"r", "s"}, Question: "q", Failed: true})
	if got := m.Cases(cases[:1])[0]; !math.IsNaN(got) {
		t.Errorf("not asked yet, and %v", got)
	}
	if err := m.Prepare(t.Context(), cases); err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	want := []float64{1, .75, 0, .25, 0, 1, nan, nan, nan, nan, 0}
	got := m.Cases(cases)
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("%q: %v, want %v", cases[i].Prediction, got[i], want[i])
		}
	}
	// What could not be read is no zero: the mean is that of the seven others.
	if v := m.Corpus(cases); v != 3./7 {
		t.Errorf("the value is %v, want 3/7", v)
	}
	if diff := cmp.Diff(map[string]float64{"valid": 7, "invalid": 4}, m.Details(cases)); diff != "" {
		t.Errorf("details -want +got: %s", diff)
	}
	if asked := 4 + 4*judgeTries; *calls != asked {
		t.Errorf("%d calls, want %d: one for each answer, all tries for those that cannot be read", *calls, asked)
	}
	before := *calls
	if err := m.Prepare(t.Context(), cases); err != nil || *calls != before {
		t.Errorf("prepared again: %d more calls, %v", *calls-before, err)
	}
}

// A reply that cannot be read is told so, and the next one counts.
func TestJudgeTriesAgain(t *testing.T) {
	m, calls := judgeOf(t, "judge", func(_ map[string]any, messages []JudgeMessage) (string, error) {
		if len(messages) == 3 {
			if !strings.Contains(messages[2].Content, "whole number from 1 to 5") {
				t.Errorf("the judge is not told what was wrong: %s", messages[2].Content)
			}
			return `{"grade":2}`, nil
		}
		return `{"grade":9}`, nil
	})
	cases := []Case{{Prediction: "a", Question: "q"}}
	if err := m.Prepare(t.Context(), cases); err != nil || m.Corpus(cases) != .25 || *calls != 2 {
		t.Errorf("%v, value %v after %d calls, want .25 after 2", err, m.Corpus(cases), *calls)
	}
}

// An endpoint that is down ends the scoring; nothing is made up.
func TestJudgeDown(t *testing.T) {
	down := errors.New("the endpoint is down")
	for _, name := range []string{"judge", "judge_pairwise"} {
		m, _ := judgeOf(t, name, func(map[string]any, []JudgeMessage) (string, error) { return "", down })
		cases := []Case{{Prediction: "a", Opponent: "b"}, {Prediction: "c", Opponent: "d"}}
		if err := m.Prepare(t.Context(), cases); !errors.Is(err, down) {
			t.Errorf("%s: %v, want %v", name, err, down)
		}
		if got := m.Cases(cases); !math.IsNaN(got[0]) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
		if _, err := New(name, Options{}); err == nil {
			t.Errorf("%s is made without a judge", name)
		}
	}
}

func TestJudgePairwise(t *testing.T) {
	rank := map[string]int{"great": 3, "good": 2, "also good": 2, "poor": 1}
	m, calls := judgeOf(t, "judge_pairwise", func(data map[string]any, _ []JudgeMessage) (string, error) {
		first, second := data["first"].(string), data["second"].(string)
		switch a, b := rank[first], rank[second]; {
		case first == "odd" || second == "odd":
			return "the first one", nil
		case first == "vain" || second == "vain": // whoever stands first is preferred
			return `{"better":"first"}`, nil
		case a > b:
			return `{"better":"first"}`, nil
		case a < b:
			return `{"better":"second"}`, nil
		}
		return `{"reason":"alike","better":"tie"}`, nil
	})
	cases := []Case{
		{Prediction: "great", Opponent: "good"}, {Prediction: "poor", Opponent: "good"}, {Prediction: "good", Opponent: "also good"},
		{Prediction: "good", Opponent: "great"}, {Prediction: "same", Opponent: "same "}, {Prediction: "", Opponent: "good"},
		{Prediction: "good", Opponent: ""}, {Prediction: "vain", Opponent: "good"}, {Prediction: "odd", Opponent: "good"},
		{Prediction: "great", Opponent: "poor", Failed: true},
	}
	if err := m.Prepare(t.Context(), cases); err != nil {
		t.Fatal(err)
	}
	want := []float64{1, 0, .5, 0, .5, 0, 1, .5, math.NaN(), 0}
	for i, got := range m.Cases(cases) {
		if got != want[i] && !(math.IsNaN(got) && math.IsNaN(want[i])) {
			t.Errorf("%q against %q: %v, want %v", cases[i].Prediction, cases[i].Opponent, got, want[i])
		}
	}
	// great/good is judged once for both directions; odd is tried thrice in the first order.
	if want := 2*4 + judgeTries; *calls != want {
		t.Errorf("%d calls, want %d", *calls, want)
	}
	// Asked: great/good twice, poor/good, good/also good, vain/good. All but vain are
	// consistent; of the 8 decided answers 5 are for the first: 3 pairs 1 each, vain both.
	d := m.Details(cases)
	for name, v := range map[string]float64{"wins": 2, "losses": 4, "ties": 3, "judged": 5, "invalid": 1, "consistency": .8, "first_slot": 5. / 8} {
		if math.Abs(d[name]-v) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, d[name], v)
		}
	}
}

func TestSummarize(t *testing.T) {
	all := []Preference{{"a", "a"}, {"b", "b"}, {"a", "b"}, {"tie", "b"}}
	want := Preferences{Wins: 1, Losses: 1, Ties: 2, WinRate: .5, Consistency: .5, FirstSlot: 5. / 7}
	if got := Summarize(all); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, p := range all {
		if p.Swap().Win() != -p.Win() || p.Swap().Swap() != p {
			t.Errorf("%+v exchanged is %+v", p, p.Swap())
		}
	}
}

// The signature names the judge and changes with what it is told.
func TestJudgeSignature(t *testing.T) {
	sign := func(name, model, rubric string) string {
		m, err := New(name, Options{Judge: func(context.Context, []JudgeMessage, json.RawMessage) (string, error) { return "", nil }, JudgeModel: model, Rubric: rubric})
		if err != nil {
			t.Fatal(err)
		}
		return m.Signature
	}
	plain := sign("judge", "m", "")
	if !strings.Contains(plain, "judge:m|") {
		t.Errorf("%s does not name the judge", plain)
	}
	for _, other := range []string{sign("judge", "n", ""), sign("judge", "m", "Be kind."), sign("judge_pairwise", "m", "")} {
		if other == plain {
			t.Errorf("%s stands for two metrics", other)
		}
	}
}
