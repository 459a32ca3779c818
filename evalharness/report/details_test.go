package report

import (
	"math"
	"strings"
	"testing"

	"graft/evalharness"
)

func TestDetails(t *testing.T) {
	d := map[string]float64{"recall": .25, "empty": 3, "first_slot": 2. / 3, "median": math.NaN()}
	const want = "empty 3, first slot 0.667, recall 0.250"
	if got := DetailsText(d); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r := demo(func(i int) string { return "x" })
	r.Settings.Metrics = []evalharness.Metric{{Name: "accuracy", Kind: "binary", Scale: 1}}
	r.Arms[0].Metrics["accuracy"] = evalharness.Value{Value: .5, Details: d}
	r.Judging = &evalharness.Usage{Calls: 12345}
	var page, text strings.Builder
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&text, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), want) || !strings.Contains(text.String(), want) {
		t.Error("a report does not show the details")
	}
	if !strings.Contains(page.String(), "The judge was asked 12") {
		t.Error("the report does not say what the judge cost")
	}
}
