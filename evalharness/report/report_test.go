package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"graft/evalharness"
)

func render(t testing.TB, r *evalharness.Result, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// structure counts the elements and attributes of a page, and gathers its texts.
func structure(t testing.TB, page string) (elements map[string]int, texts map[string]bool) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	elements, texts = map[string]int{}, map[string]bool{}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
			texts[n.Data] = true
		case html.CommentNode:
			elements["comment"]++
		case html.ElementNode:
			elements[n.Data]++
			for _, a := range n.Attr {
				elements[n.Data+"."+a.Key]++
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return elements, texts
}

// Hostile words make the same page as harmless ones, with other words in it.
func TestPageIsNotChangedByWords(t *testing.T) {
	want, _ := structure(t, render(t, demo(plain), "html"))
	page := render(t, demo(evil), "html")
	got, texts := structure(t, page)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-harmless +hostile:\n%s", diff)
	}
	for _, s := range hostile {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\r", "\n")
		if !texts[s] {
			t.Errorf("%q is not in the page as it is", s)
		}
	}
	if got["script"]+got["iframe"]+got["link"]-1+got["object"] != 0 {
		t.Errorf("the page loads or runs something: %v", got)
	}
	for _, id := range []string{"todo", "intervals", "arms", "ladder", "slices", "confusion", "forgetting", "panel", "training", "lint", "cases", "ledger", "repeat"} {
		if strings.Count(page, `id="`+id+`"`) != 1 || strings.Count(page, `href="#`+id+`"`) != 1 {
			t.Errorf("part %q is not there once with a link to it", id)
		}
	}
	if n := strings.Count(page, "<svg"); n != 4 {
		t.Errorf("%d plots instead of 4", n)
	}
}

// What is in the result is in the page: figures as computed by hand from the demo.
func TestPageSaysTheVerdict(t *testing.T) {
	r := demo(plain)
	v := r.Comparisons[0].Verdict
	v.Outcome = evalharness.NotEnough
	v.Diff, v.Low95, v.High95, v.P, v.Wins, v.Losses, v.Ties, v.MoreCases = .1666, -.0204, .3141, .0004, 24, 8, 64, 1234
	r.Comparisons[0].Verdict = v
	_, texts := structure(t, render(t, r, "html"))
	for _, want := range []string{"NOT ENOUGH", "+16.7", "−2.0 to +31.4", "< 0.001", "24 won, 8 lost, 64 tied", "5.0 points", "1\u2009234 more", r.Settings.Hash, "eval_4f0c2a9be1"} {
		if !texts[want] {
			t.Errorf("%q is not in the page", want)
		}
	}
}

// A run without an adapter has no verdict; its page begins with the advice.
func TestAdviceIsNoVerdict(t *testing.T) {
	r := demo(plain)
	r.Comparisons = r.Comparisons[1:]
	for _, format := range []string{"html", "md"} {
		text := render(t, r, format)
		head, _, _ := strings.Cut(text, map[string]string{"html": "<nav", "md": "## "}[format])
		if strings.Contains(head, "CLEAR WIN") || !strings.Contains(strings.ToLower(head), "advice") {
			t.Errorf("%s begins with %s", format, head)
		}
	}
}

// An empty result, and one with figures that are none, still give whole documents.
func TestOddResults(t *testing.T) {
	nan := demo(plain)
	nan.Comparisons[0].Verdict.Low95, nan.Comparisons[0].Verdict.P = math.NaN(), math.NaN()
	nan.Arms[0].Primary, nan.Ladder.Rungs[0].Value, nan.Training.Loss[3].Train = math.Inf(1), math.NaN(), math.NaN()
	one := demo(plain)
	one.Gold.Cases, one.Training.Loss, one.Ladder.Rungs = one.Gold.Cases[:1], one.Training.Loss[:1], one.Ladder.Rungs[:1]
	one.Arms[4].Answers = nil
	for name, r := range map[string]*evalharness.Result{"empty": {Schema: evalharness.Schema}, "nan": nan, "one": one,
		"bare": {Schema: evalharness.Schema, Arms: []evalharness.Arm{{Name: "x", Confusion: &evalharness.Confusion{Counts: [][]int{{1, 2}}}}}, Comparisons: []evalharness.Comparison{{A: "gone", B: "x"}}, Ladder: &evalharness.Ladder{}, Training: &evalharness.Training{}, Forgetting: &evalharness.Forgetting{}, Search: &evalharness.Search{}}} {
		for _, format := range Formats() {
			if format == "json" && name == "nan" {
				continue // JSON has no such figures
			}
			page := render(t, r, format)
			if strings.Contains(page, "NaN") || strings.Contains(page, "+Inf") || strings.Contains(page, "<no value>") {
				t.Errorf("%s as %s has figures that are none", name, format)
			}
		}
	}
	if err := Write(&bytes.Buffer{}, &evalharness.Result{Schema: "other/1"}, "html"); err == nil {
		t.Error("another form is taken")
	}
	if err := Write(&bytes.Buffer{}, demo(plain), "pdf"); err == nil {
		t.Error("another format is taken")
	}
}

func TestMarkdownIsNotChangedByWords(t *testing.T) {
	shape := func(text string) (lines []string) {
		for _, l := range strings.Split(text, "\n") {
			cells := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|")
			lines = append(lines, strings.Repeat("|", cells)+l[:min(1, len(l))])
		}
		return lines
	}
	want, got := render(t, demo(plain), "md"), render(t, demo(evil), "md")
	if diff := cmp.Diff(shape(want), shape(got)); diff != "" {
		t.Errorf("-harmless +hostile:\n%s", diff)
	}
	for _, s := range []string{"<script", "<img", "](javascript", "http://evil"} {
		if strings.Contains(got, s) {
			t.Errorf("%q is in the Markdown as it is", s)
		}
	}
	for _, part := range []string{"# debian-sections: CLEAR WIN", "## Arms", "## Ladder", "## Lost cases", "## Fairness"} {
		if !strings.Contains(want, part+"\n") {
			t.Errorf("%q is missing", part)
		}
	}
}

func TestCSV(t *testing.T) {
	r := demo(evil)
	rows, err := csv.NewReader(strings.NewReader(render(t, r, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+5*96 || len(rows[0]) != 16 {
		t.Fatalf("%d rows of %d", len(rows), len(rows[0]))
	}
	guarded := 0
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("%q would be computed", cell)
			}
			if strings.HasPrefix(cell, "'=") {
				guarded++
			}
		}
	}
	if guarded == 0 {
		t.Error("no formula was there to guard against")
	}
	if a := r.Arms[0].Answers[0]; rows[1][0] != a.Case || rows[1][13] != map[float64]string{0: "0", 1: "1"}[a.Scores["accuracy"]] {
		t.Errorf("the first answer is %q", rows[1])
	}
}

func TestJUnit(t *testing.T) {
	r := demo(evil)
	r.Comparisons[0].Verdict.Outcome = evalharness.Tie
	r.Comparisons[0].Verdict.Guards[1].Passed = false
	var got junitSuites
	if err := xml.Unmarshal([]byte(render(t, r, "junit")), &got); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for i := range r.Gold.Cases {
		if r.Arms[4].Answers[i].Scores["accuracy"] < r.Arms[3].Answers[i].Scores["accuracy"] {
			lost++
		}
	}
	if lost == 0 || lost != r.Comparisons[0].Verdict.Losses {
		t.Fatalf("the demo has %d lost cases", lost)
	}
	if got.Tests != 2+3+96 || got.Failures != 1+1+lost {
		t.Errorf("%d tests, %d failures, not %d and %d", got.Tests, got.Failures, 101, 2+lost)
	}
	// The registered comparison decides wherever it stands, and no other one.
	r.Comparisons[0], r.Comparisons[1] = r.Comparisons[1], r.Comparisons[0]
	r.Comparisons[0].Verdict.Outcome = evalharness.Loss
	var turned junitSuites
	if err := xml.Unmarshal([]byte(render(t, r, "junit")), &turned); err != nil {
		t.Fatal(err)
	}
	if turned.Tests != got.Tests || turned.Failures != got.Failures || turned.Suites[0].Cases[0].Failure != nil || turned.Suites[0].Cases[1].Failure == nil {
		t.Errorf("with the exploratory comparison first: %d tests, %d failures, verdicts %+v", turned.Tests, turned.Failures, turned.Suites[0])
	}
	for i := range r.Comparisons {
		r.Comparisons[i].Primary = false
	}
	var none junitSuites
	if err := xml.Unmarshal([]byte(render(t, r, "junit")), &none); err != nil {
		t.Fatal(err)
	}
	if none.Failures != 0 || none.Tests != 2+96 {
		t.Errorf("nothing was registered: %d tests, %d failures", none.Tests, none.Failures)
	}
}

func TestJSON(t *testing.T) {
	r := demo(evil)
	var back evalharness.Result
	if err := json.Unmarshal([]byte(render(t, r, "json")), &back); err != nil {
		t.Fatal(err)
	}
	if again := render(t, &back, "json"); again != render(t, r, "json") {
		t.Error("the result does not survive its JSON")
	}
}

// Whatever models say, page and tables keep their shape.
func FuzzWords(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	want, _ := structure(f, render(f, demo(func(int) string { return "x" }), "html"))
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			t.Skip()
		}
		r := demo(func(int) string { return s })
		if got, _ := structure(t, render(t, r, "html")); cmp.Diff(want, got) != "" {
			t.Error(cmp.Diff(want, got))
		}
		rows, err := csv.NewReader(strings.NewReader(render(t, r, "csv"))).ReadAll()
		if err != nil || len(rows) != 481 {
			t.Errorf("%d rows: %v", len(rows), err)
		}
		if err := xml.Unmarshal([]byte(render(t, r, "junit")), &junitSuites{}); err != nil {
			t.Error(err)
		}
		render(t, r, "md")
	})
}
