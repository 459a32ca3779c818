package evalharness

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestExampleTask: the example names every key there is, and can be read.
func TestExampleTask(t *testing.T) {
	path := "../examples/task.yaml"
	task, err := ReadTask(path)
	if err != nil {
		t.Fatal(err)
	}
	if task.Search.Budget != defaultBudget || task.Search.DevRows != defaultDevRows || task.DevShare != defaultDevShare ||
		task.Search.ThinkTokens != defaultThinkTokens || task.Retrieval.K != defaultRetrieved || task.Generation.MaxTokens != defaultMaxTokens ||
		task.Parallel != defaultParallel || task.Retrieval.Embedder != defaultEmbedder || !reflect.DeepEqual(task.Search.Shots, defaultShots) {
		t.Errorf("the example does not say the defaults: %+v", task)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	hasKeys(t, "", reflect.TypeOf(Task{}), tree)
}

func hasKeys(t *testing.T, at string, typ reflect.Type, tree map[string]any) {
	t.Helper()
	for i := range typ.NumField() {
		f := typ.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		v, ok := tree[key]
		if !ok {
			t.Errorf("the example lacks %s%s", at, key)
			continue
		}
		ft := f.Type
		if ft == reflect.TypeOf(MetricSpec{}) || ft == reflect.TypeOf([]MetricSpec{}) {
			continue // no metric has all options: TestExampleMetrics
		}
		if list, isList := v.([]any); isList && ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			v, ft = list[0], ft.Elem()
		}
		if ft.Kind() == reflect.Struct {
			hasKeys(t, at+key+".", ft, v.(map[string]any))
		}
	}
}

// TestExampleMetrics: the example has every option of a metric, with one that has it.
func TestExampleMetrics(t *testing.T) {
	text, err := os.ReadFile("../examples/task.yaml")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		spec, ok := strings.CutPrefix(line, "# metric: ")
		if !ok {
			continue
		}
		task, err := ParseTask([]byte("name: x\ngold: g\nmetric: "+spec), ".")
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		for _, key := range task.Metric.used() {
			used[key] = true
		}
	}
	fields := reflect.TypeOf(MetricSpec{})
	for i := range fields.NumField() {
		key, _, _ := strings.Cut(fields.Field(i).Tag.Get("yaml"), ",")
		if key != "name" && (!used[key] || !slices.Contains(metricKeys, key)) {
			t.Errorf("the example lacks a metric with %s, or metricKeys do", key)
		}
	}
}

// TestTaskRefused: what a task gets wrong is named.
func TestTaskRefused(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\ngold: g\nmodle: y\n":                                       "modle",
		"name: ../x\ngold: g\n":                                              "name:",
		"name: x\n":                                                          "gold:",
		"name: x\ngold: g\nmargin: -1\n":                                     "margin:",
		"name: x\ngold: g\narms: [nothing]\n":                                "arms:",
		"name: x\ngold: g\nsearch: {budget: -4}\n":                           "search.budget",
		"name: x\ngold: g\nremotes: [{name: a, kind: http}]\n":               "kind",
		"name: x\ngold: g\nremotes: [{name: a, kind: openai, url: u}]\n":     "model",
		"name: x\ngold: g\n---\nname: y\n":                                   "one document",
		"name: x\ngold: g\nsearch: {shots: [0]}\n":                           "search.shots",
		"name: x\ngold: g\nremotes: [{name: adapter, kind: openai, url: u}]": "name of its own",

		"name: x\ngold: g\nmetric: rogue\n":                                         "none of that name",
		"name: x\ngold: g\nmetric: [rouge1]\n":                                      "a metric's name",
		"name: x\ngold: g\nmetric: {name: rouge1, stemm: true}\n":                   "stemm",
		"name: x\ngold: g\nmetric: {name: rouge1, idf: true}\n":                     "rouge1 has no option \"idf\"",
		"name: x\ngold: g\nmetric: {stem: true}\n":                                  "none of that name",
		"name: x\ngold: g\nmetrics: [judge]\n":                                      "metrics[0]: judge.model",
		"name: x\ngold: g\nmetric: {name: judge, model: m, key_env: K}\n":           "judge.key_env",
		"name: x\ngold: g\nmetric: {name: bertscore, layer: -1}\n":                  "bertscore.layer",
		"name: x\ngold: g\nmetric: {name: bertscore, baseline: b.csv}\n":            "bertscore.baseline",
		"name: x\ngold: g\nmetric: rouge1\nmetrics: [{name: rouge1, stem: true}]\n": "rouge1 is there already",
	} {
		if _, err := ParseTask([]byte(text), "."); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// FuzzTask: no task file crashes the reader, and what it takes names metrics that there
// are.
func FuzzTask(f *testing.F) {
	f.Add([]byte("name: x\ngold: g\nmetric: {name: judge, model: m, price: {prompt: 1}}\nmetrics: [rouge1, {name: bertscore, layer: 2}]\n"))
	f.Add([]byte("name: x\ngold: g\nmetric: &a [*a]\n"))
	f.Add([]byte("name: x\ngold: g\nmetric: {name: {name: x}}\nmetrics: {a: b}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		task, err := ParseTask(data, ".")
		if err != nil {
			return
		}
		for _, m := range task.Specs() {
			if err := m.check(); err != nil {
				t.Errorf("%q is taken: %v", data, err)
			}
		}
	})
}

// FuzzGold: no file of cases crashes the reader, and what it reads is complete.
func FuzzGold(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":"a"}],"references":["b"],"tags":["t"],"id":"1"}`))
	f.Add([]byte(`{"prompt":"a","completion":"b"}` + "\n\n" + `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := ParseGold(data)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, c := range g.Cases {
			if len(c.References) == 0 || len(c.Messages) == 0 || c.RefHash == "" || ids[c.ID] {
				t.Fatalf("case %+v", c)
			}
			ids[c.ID] = true
		}
	})
}
