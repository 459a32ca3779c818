package graders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"graft/serving"
)

// values decodes the two namespaces.
func values(t testing.TB, item, sample string) Values {
	t.Helper()
	read := func(text string) (v any) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return Values{read(item), read(sample)}
}

func TestTemplate(t *testing.T) {
	v := values(t, `{"name":"Ada","n":3,"big":12345678901234567890,"x":1.50,"on":true,"none":null,"list":["a",{"b":[["c","d"]]}],"html":"<b>&","key with space":1,"tpl":"{{item.name}}"}`,
		`{"output_text":"hi","output_json":{"a":{"b":["z"]}},"choices":[{"message":{"content":"hi"}}]}`)
	for text, want := range map[string]string{
		"":                                      "",
		"plain { } }} {":                        "plain { } }} {",
		"Hello {{item.name}}!":                  "Hello Ada!",
		"{{ item.name }}{{\n item.n\t}}":        "Ada3",
		"{{item.big}} {{item.x}} {{item.on}}":   "12345678901234567890 1.50 true",
		"[{{item.none}}]":                       "[]",
		"{{item.list[0]}}":                      "a",
		"{{item.list[1].b[0][1]}}":              "d",
		"{{item.list}}":                         `["a",{"b":[["c","d"]]}]`,
		"{{item.html}}":                         "<b>&",
		"{{item.list[1]}}":                      `{"b":[["c","d"]]}`,
		"{{sample.output_text}}":                "hi",
		"{{sample.output_json.a.b[0]}}":         "z",
		"{{sample.choices[0].message.content}}": "hi",
		"{{item.tpl}}":                          "{{item.name}}", // not read again
	} {
		tpl, err := ParseTemplate(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := tpl.Render(v); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"{{item.nobody}}", "{{item.list[2]}}", "{{item.name.x}}", "{{item.name[0]}}", "{{item[0]}}", "{{sample.output_tools}}", "{{item.list.a}}"} {
		tpl, err := ParseTemplate(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := tpl.Render(v); !errors.Is(err, ErrVariable) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"{{", "{{item.a", "{{ }}", "{{x.a}}", "{{items.a}}", "{{item.}}", "{{item..a}}", "{{item.a[}}", "{{item.a[x]}}", "{{item.a[-1]}}", "{{item.a[0]b}}",
		"{{item.a | upper}}", "{{item.a()}}", "{{item.a[99999999999]}}", "{{item" + strings.Repeat(".a", maxPath+1) + "}}", strings.Repeat("x", MaxTemplate+1)} {
		if _, err := ParseTemplate(text); err == nil {
			t.Errorf("%.40q is accepted", text)
		}
	}
	long, _ := ParseTemplate("{{item.a}}{{item.a}}")
	if _, err := long.Render(Values{Item: map[string]any{"a": strings.Repeat("x", MaxRendered-1)}}); err == nil {
		t.Error("the length of what is rendered has no bound")
	}
	if tpl, _ := ParseTemplate("{{item.a}}"); tpl.Uses("sample") || !tpl.Uses("item") {
		t.Error("namespaces")
	}
}

// The values are Python's, which reads ** as ^ is read here:
// python3 -c 'from math import *; print(-2**2, 2**3**2, 2**-1, …)'.
func TestFormula(t *testing.T) {
	vars := map[string]float64{"a": 0.5, "b": 3, "min_score": 2, "é": 7, "e5": 4, "max": 9}
	for text, want := range map[string]float64{
		"1":                     1,
		"1.5e1 + .5":            15.5,
		"a + b * 2":             6.5,
		"(a + b) * 2":           7,
		"-2^2":                  -4,
		"2^3^2":                 512,
		"2^-1":                  0.5,
		"--a":                   0.5,
		"8 / 2 / 2":             2,
		"8 - 2 - 2":             4,
		"min(a, b, -1)":         -1,
		"max(a,b)":              3,
		"max + 1":               10, // a grader may have a function's name where none is called
		"abs(-b)":               3,
		"floor(-a) + ceil(a)":   0,
		"exp(0) + log(1)":       1,
		"sqrt(b^2 + 16)":        5,
		"min_score + é":         9,
		"e5 * 1e-1":             0.4,
		"max(min(a, 1), 0) ^ 2": 0.25,
	} {
		f, err := ParseFormula(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := f.Value(vars); err != nil || math.Abs(got-want) > 1e-15 {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "1 +", "(1", "1)", "abs()", "abs(1,2)", "min()", "1..2", "0x10", "1_000", "a b", "a $ b", "2 ** 3", "a > 0", "min(1,)", strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100),
		strings.Repeat("-", 100) + "1", "2" + strings.Repeat("^2", 100), strings.Repeat("1+", maxFormula) + "1"} {
		if f, err := ParseFormula(text); err == nil {
			x, err := f.Value(vars)
			t.Errorf("%.30q is accepted: %v, %v", text, x, err)
		}
	}
	for _, text := range []string{"1/0", "log(0)", "sqrt(-1)", "exp(1000)", "0/0", "unknown"} {
		f, err := ParseFormula(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if x, err := f.Value(vars); err == nil {
			t.Errorf("%q: %v", text, x)
		}
	}
}

// judge answers with a text and keeps the questions.
type judge struct {
	text  string
	err   error
	asked []Question
}

func (j *judge) Ask(_ context.Context, q Question) (*Answer, error) {
	j.asked = append(j.asked, q)
	if j.err != nil {
		return nil, j.err
	}
	return &Answer{Text: j.text, Finish: serving.FinishStop, Model: q.Model}, nil
}

func TestStringCheck(t *testing.T) {
	for _, c := range []struct {
		operation, input, reference string
		want                        bool
	}{
		{"eq", "a", "a", true}, {"eq", "a", "A", false}, {"ne", "a", "b", true}, {"ne", "a", "a", false}, {"neq", "a", "b", true},
		{"like", "the cat", "cat", true}, {"like", "cat", "the cat", false}, {"like", "Cat", "cat", false}, {"ilike", "The CAT", "cat", true}, {"ilike", "ÉTÉ", "été", true}, {"ilike", "dog", "cat", false},
	} {
		g, err := Compile(&Spec{Type: StringCheck, Name: "n", Text: "{{sample.output_text}}", Reference: "{{item.want}}", Operation: c.operation})
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.Grade(t.Context(), Values{map[string]any{"want": c.reference}, map[string]any{"output_text": c.input}}, nil, nil)
		if err != nil || r.Passed != c.want || (r.Score == 1) != c.want {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
	}
}

func TestScoreModel(t *testing.T) {
	half := 0.9
	spec := &Spec{Type: ScoreModel, Name: "n", Model: "m", Messages: []Message{{"system", []string{"Judge."}}, {"user", []string{"{{item.q}}", "{{sample.output_text}}"}}}}
	v := Values{map[string]any{"q": "Q"}, map[string]any{"output_text": "A"}}
	for _, c := range []struct {
		reply  string
		scale  []float64
		pass   *float64
		want   float64
		passed bool
		err    error
	}{
		{`{"steps":[],"result":0.75}`, nil, nil, 0.75, true, nil},
		{`{"result":0.25,"steps":[]}`, nil, nil, 0.25, false, nil},
		{`{"result":0.75}`, nil, &half, 0.75, false, nil},
		{`{"result":7}`, nil, nil, 1, true, nil},
		{`{"result":-7}`, []float64{-2, 2}, nil, -2, false, nil},
		{`{"result":5}`, []float64{0, 10}, nil, 5, true, nil},
		{`{"result":"good"}`, nil, nil, 0, false, ErrReply},
		{`{"result":null}`, nil, nil, 0, false, ErrReply},
		{`{"steps":[`, nil, nil, 0, false, ErrReply},
		{`3`, nil, nil, 0, false, ErrReply},
	} {
		s := *spec
		s.Range, s.Pass = c.scale, c.pass
		g, err := Compile(&s)
		if err != nil {
			t.Fatal(err)
		}
		j := &judge{text: c.reply}
		r, err := g.Grade(t.Context(), v, j, nil)
		if !errors.Is(err, c.err) || r.Score != c.want || r.Passed != c.passed || r.Reply == nil {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
		q := j.asked[0]
		if len(q.Messages) != 2 || q.Messages[1].Content[0].Text != "Q\nA" || q.Format.Type != "json_schema" || !json.Valid(q.Format.Schema) || q.Sampling.MaxTokens != judgeTokens || *q.Sampling.Temperature != 0 {
			t.Errorf("asked %+v", q)
		}
	}
	g, _ := Compile(spec)
	if _, err := g.Grade(t.Context(), v, &judge{err: serving.ErrOverloaded}, nil); !errors.Is(err, ErrJudge) || !errors.Is(err, serving.ErrOverloaded) {
		t.Errorf("a judge that fails: %v", err)
	}
}

func TestLabelModel(t *testing.T) {
	g, err := Compile(&Spec{Type: LabelModel, Name: "n", Model: "m", Labels: []string{"good", "bad"}, Passing: []string{"good"}, Messages: []Message{{"user", []string{"x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for reply, want := range map[string]string{
		`{"steps":[],"result":"good"}`: "1 true <nil>", `{"result":"bad"}`: "0 false <nil>",
		`{"result":"other"}`: "0 false " + ErrReply.Error() + ": its result is none of the labels",
	} {
		r, err := g.Grade(t.Context(), Values{}, &judge{text: reply}, nil)
		if got := fmt.Sprint(r.Score, r.Passed, " ", err); strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s: %s, want %s", reply, got, want)
		}
	}
}

func TestMulti(t *testing.T) {
	check := func(reference string) *Spec {
		return &Spec{Type: StringCheck, Name: "c", Text: "{{sample.output_text}}", Reference: reference, Operation: "eq"}
	}
	g, err := Compile(&Spec{Type: Multi, Name: "n", Formula: "0.25 * right + 0.5 * near", Graders: map[string]*Spec{
		"right": check("A"), "near": {Type: TextSimilarity, Name: "s", Text: "{{sample.output_text}}", Reference: "B", Metric: "bleu"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	similar := func(_ context.Context, metric, text, reference string) (float64, string, error) {
		if metric != "bleu" || text != "A" || reference != "B" {
			t.Errorf("compared %s %s %s", metric, text, reference)
		}
		return 0.5, "sig", nil
	}
	r, err := g.Grade(t.Context(), Values{Sample: map[string]any{"output_text": "A"}}, nil, similar)
	if err != nil || r.Score != 0.5 || r.Sub["right"].Score != 1 || r.Sub["near"].Signature != "sig" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := g.Grade(t.Context(), Values{Sample: map[string]any{"output_text": "A"}}, nil, nil); !errors.Is(err, ErrMeasure) {
		t.Errorf("without measures: %v", err)
	}
	for param, bad := range map[string]*Spec{
		"calculate_output":    {Formula: "nobody", Graders: map[string]*Spec{"a": check("x")}},
		"graders":             {Formula: "1", Graders: map[string]*Spec{"a-b": check("x")}},
		"graders.a.type":      {Formula: "1", Graders: map[string]*Spec{"a": {Type: Multi}}},
		"graders.a.reference": {Formula: "1", Graders: map[string]*Spec{"a": check("{{")}},
	} {
		bad.Type, bad.Name = Multi, "n"
		_, err := Compile(bad)
		var e *InvalidError
		if !errors.As(err, &e) || e.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func TestSpecRefused(t *testing.T) {
	user := []Message{{"user", []string{"x"}}}
	for param, s := range map[string]*Spec{
		"type":              {Name: "n", Type: Python},
		"name":              {Type: StringCheck, Operation: "eq"},
		"operation":         {Name: "n", Type: StringCheck, Operation: "gt"},
		"evaluation_metric": {Name: "n", Type: TextSimilarity, Metric: "magic"},
		"model":             {Name: "n", Type: ScoreModel, Messages: user},
		"input":             {Name: "n", Type: ScoreModel, Model: "m"},
		"range":             {Name: "n", Type: ScoreModel, Model: "m", Messages: user, Range: []float64{1, 0}},
		"labels":            {Name: "n", Type: LabelModel, Model: "m", Messages: user, Labels: []string{"a", "a"}},
		"passing_labels":    {Name: "n", Type: LabelModel, Model: "m", Messages: user, Labels: []string{"a"}, Passing: []string{"b"}},
		"input[0].content":  {Name: "n", Type: ScoreModel, Model: "m", Messages: []Message{{"user", []string{"{{x}}"}}}},
		"reference":         {Name: "n", Type: StringCheck, Operation: "eq", Reference: "{{"},
	} {
		_, err := Compile(s)
		var e *InvalidError
		if !errors.As(err, &e) || e.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{item.a}}", "{{ sample.b[0].c }}", "{{", "}}{{item.a[0][1]}}", "{{item}}"} {
		f.Add(s)
	}
	v := values(f, `{"a":[["x",{"b":null}],1.5]}`, `{"b":[{"c":"d"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := ParseTemplate(text)
		if err != nil {
			return
		}
		out, err := tpl.Render(v)
		if err == nil && !strings.Contains(text, "{{") && out != text {
			t.Errorf("%q became %q without a reference", text, out)
		}
	})
}

func FuzzFormula(f *testing.F) {
	for _, s := range []string{"a+b", "min(a,1)^2", "-(1e3)", "((a))", "1e+5*a", "a/0", "max(", "é+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseFormula(text)
		if err != nil {
			return
		}
		vars := map[string]float64{}
		for _, name := range p.Names() {
			vars[name] = 0.5
		}
		if x, err := p.Value(vars); err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
			t.Errorf("%q is %v", text, x)
		}
	})
}
