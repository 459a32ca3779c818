package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"graft/evalharness"
)

// TestWithoutTexts: of a result whose every string is a text of its own, only those are
// left that are named here; a field that is new has to be thought of.
func TestWithoutTexts(t *testing.T) {
	harmless := []string{
		"Schema", "ID", "Name", "Version", "Settings.Hash", "Settings.Primary", "Settings.Metrics.Name", "Settings.Metrics.Signature", "Settings.Metrics.Kind",
		"Settings.Metrics.Doc", "Settings.Labels", "Settings.Opponent", "Settings.Base", "Settings.Identity", "Gold.File", "Gold.Hash", "Gold.Cases.RefHash",
		"Arms.Name", "Arms.Kind", "Arms.Model", "Arms.Generation", "Arms.Prompt.Hash", "Arms.Prompt.Variant", "Arms.Prompt.Choose", "Arms.Confusion.Labels", "Arms.Answers.Finish",
		"Comparisons.A", "Comparisons.B", "Comparisons.Metric", "Comparisons.Through", "Comparisons.Verdict.Outcome", "Comparisons.Verdict.Reason", "Comparisons.Verdict.Test",
		"Comparisons.Verdict.Guards.Name", "Comparisons.Verdict.Guards.Detail", "Comparisons.Slices.Tag", "Ladder.Rungs.Arm", "Ladder.Rungs.Kind", "Ladder.Rungs.CostUnit",
		"Ladder.Best", "Ladder.Recommend", "Ladder.Advice", "Search.DevHash", "Search.Proposer", "Search.Winner", "Search.WinnerHash", "Search.Candidates.Prompt.Hash",
		"Search.Candidates.Prompt.Variant", "Search.Candidates.Prompt.Choose", "Search.Candidates.Out", "Forgetting.Suite", "Forgetting.Advice", "Forgetting.Subjects.Name",
		"Forgetting.Generated.Name", "Panel.A", "Panel.B", "Panel.Agreement.Name", "Panel.Reason", "Panel.Judge.Reason", "Ledger.Arm", "Training.Job", "Training.Promoted", "Lint.Check", "Lint.Severity", "Lint.Message",
		"Todo.Kind", "Todo.Text", "Notes", "Arms.Metrics.key", "Arms.Metrics.Details.key", "Arms.Answers.Scores.key", "Training.Hyper.key",
	}
	r := &evalharness.Result{}
	n := 0
	fill(reflect.ValueOf(r).Elem(), &n, 0)
	if n < 80 {
		t.Fatalf("only %d texts", n)
	}
	bare := WithoutTexts(r)
	found := map[string]bool{}
	look(reflect.ValueOf(bare).Elem(), "", func(path, text string) {
		if strings.Contains(text, "SECRET") {
			found[path] = true
		}
	})
	for path := range found {
		if !slices.Contains(harmless, strings.Replace(path, "Panels.", "Panel.", 1)) && !strings.HasPrefix(path, "Search.Folds.Search.") {
			t.Errorf("%s is left", path)
		}
	}
	if got := bare.Lint[0].Message; strings.Contains(got, r.Lint[0].Message) || !strings.Contains(got, r.Lint[0].Check) {
		t.Errorf("a finding says %q", got)
	}
	for _, path := range []string{"Arms.Name", "Comparisons.Slices.Tag", "Ladder.Advice", "Search.Folds.Search.Winner"} {
		if !found[path] {
			t.Errorf("%s is gone", path)
		}
	}
}

// fill gives every string of a value a text of its own.
func fill(v reflect.Value, n *int, depth int) {
	switch v.Kind() {
	case reflect.String:
		*n++
		v.SetString(fmt.Sprintf("SECRET-%d-", *n))
	case reflect.Pointer:
		if depth > 9 {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n, depth+1)
	case reflect.Slice:
		if depth > 9 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n, depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n, depth+1)
		fill(value, n, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n, depth+1)
			}
		}
	}
}

// look shows every string of a value, with the names of the fields that lead to it.
func look(v reflect.Value, path string, show func(path, text string)) {
	switch v.Kind() {
	case reflect.String:
		show(path, v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			look(v.Elem(), path, show)
		}
	case reflect.Slice:
		for i := range v.Len() {
			look(v.Index(i), path, show)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			look(key, path+".key", show)
			look(v.MapIndex(key), path, show)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				look(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), show)
			}
		}
	}
}

// TestWithoutTextsPages: no format of the report has a text of the data, and all that is
// not a text is still there.
func TestWithoutTextsPages(t *testing.T) {
	r := demo(func(i int) string { return fmt.Sprintf("A text of the data, number %d, that nobody may see.", i) })
	r.Settings.Task = "name: debian-sections\nmodel: /home/ann/models/secret.gguf\ngold: /home/ann/gold.jsonl\ninstructions: [Name the section of the package.]\nmetric: accuracy\nremotes:\n- {name: x, url: 'http://inside.example/v1'}\ngeneration: {max_tokens: 8, stop: ['a text']}\n"
	r.Settings.Metrics = append(r.Settings.Metrics, evalharness.Metric{Name: "judge", Signature: "judge|judge:big@openai http://inside.example/v1|x", Spec: &evalharness.MetricSpec{Name: "judge", URL: "http://inside.example/v1", Rubric: "nobody may see"}})
	r.Notes = append(r.Notes, "the verdict rests on judge:big@openai http://inside.example/v1")
	r.Panel.Votes = map[string]int{"openssl-client": 1}
	r.Gold.File = "/home/ann/gold.jsonl"
	r.Gold.Cases[4].ID = "openssl-client" // a text as well
	for i := range r.Arms {
		r.Arms[i].Answers[4].Case = "openssl-client"
	}
	r.Todo[0].Cases = []string{"openssl-client"}
	r.Todo = append(r.Todo, evalharness.Todo{Kind: "slice", Text: "short: worse"}, evalharness.Todo{Kind: "cases", Text: "look at openssl-client"})
	r.Notes = append(r.Notes, "a note of numbers: 5")
	bare := WithoutTexts(r)
	for _, format := range Formats() {
		page := render(t, bare, format)
		for _, text := range []string{"nobody may see", "Name the section", "openssl-client", "/home/ann", "inside.example", "Ben", "a text"} {
			if strings.Contains(page, text) {
				t.Errorf("%s has %q: …%s…", format, text, page[max(0, strings.Index(page, text)-100):min(len(page), strings.Index(page, text)+60)])
			}
		}
	}
	page := render(t, bare, "html")
	for _, want := range []string{"CLEAR WIN", "were left out of this report", "short: worse", "a note of numbers: 5", "case-5", "max_tokens: 8", "secret.gguf", "rater 1", "graft data check found duplicates, 2 times", r.Settings.Hash, "devel"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(page, `class="case `) != 96 {
		t.Errorf("%d cases", strings.Count(page, `class="case `))
	}
	if whole := render(t, r, "html"); !strings.Contains(whole, "nobody may see") || strings.Contains(whole, "left out of this report") {
		t.Error("the result itself was changed")
	}
}
