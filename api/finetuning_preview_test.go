package api

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/serving"
	"graft/training/jobs"
)

const tinyFolder = "../serving/native/testdata/tiny"

// tinyBase lends the tiny model under the fake's name.
type tinyBase struct {
	m   *model.Model
	tok *tokenizer.Tokenizer
}

func newTinyBase(t testing.TB) tinyBase {
	t.Helper()
	m, err := model.Load(tinyFolder, model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	tok, err := tokenizer.FromFolder(tinyFolder)
	if err != nil {
		t.Fatal(err)
	}
	return tinyBase{m, tok}
}

func (b tinyBase) Base(context.Context, string) (*jobs.Base, error) {
	return &jobs.Base{ID: "fake", Model: b.m, Tokenizer: b.tok, Release: func() {}}, nil
}

func TestTuningPreview(t *testing.T) {
	b := newTinyBase(t)
	s, _, _ := newTuning(t, func(d *Deps) { d.Bases = b })
	row := `{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"world"}]}`
	file := fieldsOf(t, s.send(t, "/v1/files", "file", "rows.jsonl", `{"messages":[{"role":"user","content":"first"}]}`+"\n"+row+"\n"+strings.ReplaceAll(row, "world", "moon")+"\n", "purpose", "fine-tune"), 200)["id"].(string)
	path := "/v1/fine_tuning/graft/preview"
	of := do(s, "POST", path, fmt.Sprintf(`{"model":"fake","training_file":%q,"line":2}`, file))
	shown := fieldsOf(t, of, 200)
	if err := schemas(t)("TuningPreview").Validate(parse(t, of.Body.String())); err != nil {
		t.Error(err)
	}
	p := shown["data"].([]any)[0].(map[string]any)
	trained := ""
	for _, x := range p["tokens"].([]any) {
		token := x.(map[string]any)
		if token["weight"].(float64) > 0 {
			trained += token["text"].(string)
			if token["role"] != "assistant" && token["role"] != "template" {
				t.Errorf("trained: %v", token)
			}
		}
	}
	if !strings.HasPrefix(trained, "world") || strings.Contains(trained, "hello") || p["line"] != 2. {
		t.Errorf("trained %q of %v", trained, p["text"])
	}
	single := fieldsOf(t, do(s, "POST", path, `{"model":"fake","row":`+strings.ReplaceAll(row, ",", ",\n")+`}`), 200)["data"].([]any)[0].(map[string]any)
	if single["text"] != p["text"] || single["trained_tokens"] != p["trained_tokens"] {
		t.Errorf("as a row: %v, of the file: %v", single["text"], p["text"])
	}
	third := do(s, "POST", path, fmt.Sprintf(`{"model":"fake","training_file":%q,"line":3}`, file))
	if !strings.Contains(third.Body.String(), "moon") || strings.Contains(third.Body.String(), "world") {
		t.Errorf("line 3: %s", third.Body)
	}
	for body, want := range map[string]string{
		`{"model":"fake"}`: "training_file missing_required_parameter",
		`{"model":"fake","row":{},"training_file":"x"}`:                   "training_file missing_required_parameter",
		`{"model":"fake","row":[]}`:                                       "row invalid_type",
		`{"model":"none","row":{}}`:                                       "model model_not_available",
		`{"model":"fake","training_file":"none"}`:                         "training_file file_not_found",
		fmt.Sprintf(`{"model":"fake","training_file":%q,"line":9}`, file): "line invalid_value",
		fmt.Sprintf(`{"model":"fake","training_file":%q,"line":0}`, file): "line integer_below_min_value",
	} {
		param, code, _ := strings.Cut(want, " ")
		wantError(t, do(s, "POST", path, body), 400, invalidRequest, param, code)
	}
	// The first row has no answer: the reason is the one that a job would give.
	w := do(s, "POST", path, fmt.Sprintf(`{"model":"fake","training_file":%q,"line":1}`, file))
	if w.Code != 400 || !strings.Contains(w.Body.String(), "assistant") || !strings.Contains(w.Body.String(), `"param":"line"`) {
		t.Errorf("a row without an answer: %d %s", w.Code, w.Body)
	}
	wantError(t, do(s, "POST", path, `{"model":"fake","row":{"massages":[]}}`), 400, invalidRequest, "row", "missing_messages_list")
}

// allLoaded has all its models in memory.
type allLoaded struct{ serving.Backend }

func (b allLoaded) Models(ctx context.Context) ([]serving.Model, error) {
	list, err := b.Backend.Models(ctx)
	list = slices.Clone(list)
	for i := range list {
		list[i].Loaded = true
	}
	return list, err
}

func TestTuningCheck(t *testing.T) {
	b := newTinyBase(t)
	s, _, few := newTuning(t, func(d *Deps) { d.Bases, d.Backend = b, allLoaded{d.Backend} })
	var rows strings.Builder
	for i := range 12 {
		fmt.Fprintf(&rows, `{"messages":[{"role":"user","content":"number %d"},{"role":"assistant","content":"answer %d"}]}`+"\n", i%11, i%11)
	}
	file := fieldsOf(t, s.send(t, "/v1/files", "file", "rows.jsonl", rows.String(), "purpose", "fine-tune"), 200)["id"].(string)
	report := fieldsOf(t, do(s, "POST", "/v1/fine_tuning/graft/check", fmt.Sprintf(`{"model":"fake","training_file":%q,"validation_file":%q}`, file, file)), 200)
	found := fmt.Sprint(report["findings"])
	if report["rows"] != 12. || report["errors"] != 0. || report["warnings"] != 3. || !strings.Contains(found, "duplicate") || !strings.Contains(found, "contamination") {
		t.Errorf("report %v", report)
	}
	// The embedding model that is served sees through other words: here, their order.
	upload := func(format string) string {
		t.Helper()
		var b strings.Builder
		for i := range 11 {
			fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"`+format+`"},{"role":"assistant","content":"it is %d"}]}`+"\n", i, i*i)
		}
		return fieldsOf(t, s.send(t, "/v1/files", "file", "words.jsonl", b.String(), "purpose", "fine-tune"), 200)["id"].(string)
	}
	report = fieldsOf(t, do(s, "POST", "/v1/fine_tuning/graft/check", fmt.Sprintf(`{"model":"fake","training_file":%q,"validation_file":%q}`, upload("say number %d"), upload("say %d number"))), 200)
	if found := fmt.Sprint(report["findings"]); !strings.Contains(found, "asking in other words") {
		t.Errorf("twisted words: %v", found)
	}
	// The model reads the rows where that is asked for: it is one that has learnt nothing.
	for _, asked := range []bool{false, true} {
		report := fieldsOf(t, do(s, "POST", "/v1/fine_tuning/graft/check", fmt.Sprintf(`{"model":"fake","training_file":%q,"difficulty":%v}`, file, asked)), 200)
		spread, _ := report["difficulty"].(map[string]any)
		if half, _ := spread["half"].(float64); (spread != nil) != asked || asked && (spread["examples"] != 12. || math.Abs(half-math.Log(480)) > 1) {
			t.Errorf("asked for difficulty %v: %v", asked, spread)
		}
	}
	if report := fieldsOf(t, do(s, "POST", "/v1/fine_tuning/graft/check", fmt.Sprintf(`{"model":"fake","training_file":%q}`, few)), 200); report["errors"] == 0. {
		t.Errorf("a file without rows: %v", report)
	}
	wantError(t, do(s, "POST", "/v1/fine_tuning/graft/check", `{"model":"fake","training_file":"none"}`), 400, invalidRequest, "training_file", "file_not_found")
}

// What openapi.yaml says of fine-tuning holds.
func TestOpenAPITuning(t *testing.T) {
	s, q, file := newTuning(t)
	schema := schemas(t)
	is := func(name, method, path, body string) {
		t.Helper()
		w := do(s, method, path, body)
		if w.Code != 200 {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if err := schema(name).Validate(parse(t, w.Body.String())); err != nil {
			t.Errorf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	hyper := `{"n_epochs":1,"batch_size":"auto","learning_rate_multiplier":2,"graft":{"recipe":"auto","rank":1,"alpha":1,"dropout":0,"targets":["q_proj"],"rslora":true,"dora":true,"learning_rate":0.1,"schedule":"cosine","warmup_steps":0,
		"weight_decay":0,"max_grad_norm":1,"gradient_accumulation_steps":1,"max_length":8,"packing":true,"patience":1,"min_delta":0,"eval_steps":0,"validation_share":0.1}}`
	for _, body := range []string{
		`{"model":"fake","training_file":"` + file + `"}`,
		`{"model":"fake","training_file":"` + file + `","validation_file":"` + file + `","suffix":"s","seed":1,"metadata":{"k":"v"},"integrations":[],"method":{"type":"supervised","supervised":{"hyperparameters":` + hyper + `}}}`,
	} {
		if err := schema("TuningRequest").Validate(parse(t, body)); err != nil {
			t.Error(err)
		}
		is("TuningJob", "POST", "/v1/fine_tuning/jobs", body)
	}
	loss := 0.5
	q.list[0].Error, q.list[0].Plan = &jobs.Error{Code: "c", Message: "m"}, &jobs.Plan{}
	q.events = []jobs.Event{{ID: "e", Created: time.Now(), Level: "info", Message: "m", Type: "metrics", Data: map[string]any{"step": 1}}, {ID: "f", Level: "warn", Message: "m", Type: "message"}}
	q.points = []jobs.Checkpoint{{ID: "p", Job: "ftjob-1", Name: "n", Step: 1, Metrics: jobs.Metrics{Step: 1, TrainLoss: &loss}}}
	is("TuningJobList", "GET", "/v1/fine_tuning/jobs", "")
	is("TuningEventList", "GET", "/v1/fine_tuning/jobs/ftjob-1/events", "")
	is("TuningCheckpointList", "GET", "/v1/fine_tuning/jobs/ftjob-1/checkpoints", "")
	settings := document(t)["components"].(map[string]any)["schemas"].(map[string]any)["TuningSettings"].(map[string]any)["properties"].(map[string]any)
	for field := range settings {
		if w := do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q,"graft":{%q:null}}`, file, field)); w.Code != 200 {
			t.Errorf("%s is described, but: %s", field, w.Body)
		}
	}
	b := newBench(t)
	fieldsOf(t, do(b, "POST", "/v1/lora_adapters", `{"name":"a","path":"one"}`), 201)
	for _, ask := range []string{`POST {"project_ids":["k"]}`, "GET "} {
		method, body, _ := strings.Cut(ask, " ")
		w := do(b, method, "/v1/fine_tuning/checkpoints/a/permissions", body)
		if err := schema("PermissionList").Validate(parse(t, w.Body.String())); err != nil {
			t.Errorf("%v in %s", err, w.Body)
		}
	}
}
