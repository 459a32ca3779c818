package api

import (
	"context"
	"fmt"
	"iter"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/training/jobs"
)

// queue is a fake of jobs.Service: what it holds is what a test puts there.
type queue struct {
	made   []jobs.Spec
	list   []jobs.Job // the latest first
	events []jobs.Event
	points []jobs.Checkpoint
	fail   error
	live   chan jobs.Event // that come while one follows; nil: the job has ended
}

func (q *queue) Create(_ context.Context, spec jobs.Spec) (jobs.Job, error) {
	if q.fail != nil {
		return jobs.Job{}, q.fail
	}
	q.made = append(q.made, spec)
	seed := int64(7)
	if spec.Seed == nil {
		spec.Seed = &seed
	}
	if spec.Method == "" {
		spec.Method = jobs.Supervised
	}
	j := jobs.Job{ID: fmt.Sprintf("ftjob-%d", len(q.made)), Created: time.Unix(1_800_000_000, 0), Status: jobs.Validating, Spec: spec, Hyper: spec.Hyper, Suffixed: "ft:x"}
	q.list = append([]jobs.Job{j}, q.list...)
	return j, nil
}

func (q *queue) Get(_ context.Context, id string) (jobs.Job, error) {
	for _, j := range q.list {
		if j.ID == id {
			return j, nil
		}
	}
	return jobs.Job{}, jobs.ErrNotFound
}

func (q *queue) List(_ context.Context, after string, limit int, metadata map[string]string) ([]jobs.Job, bool, error) {
	list := q.list
	if after != "" {
		i := slices.IndexFunc(list, func(j jobs.Job) bool { return j.ID == after })
		list = list[i+1:]
	}
	var out []jobs.Job
	for _, j := range list {
		ok := metadata == nil || len(metadata) > 0 || len(j.Spec.Metadata) == 0
		for k, v := range metadata {
			ok = ok && j.Spec.Metadata[k] == v
		}
		if ok {
			out = append(out, j)
		}
	}
	return out[:min(limit, len(out))], len(out) > limit, nil
}

func (q *queue) change(id string, to jobs.Status) (jobs.Job, error) {
	for i := range q.list {
		if j := &q.list[i]; j.ID == id {
			if j.Status.Ended() {
				return *j, fmt.Errorf("%w: it is %s", jobs.ErrState, j.Status)
			}
			j.Status = to
			return *j, nil
		}
	}
	return jobs.Job{}, jobs.ErrNotFound
}

func (q *queue) Cancel(_ context.Context, id string) (jobs.Job, error) {
	return q.change(id, jobs.Cancelled)
}
func (q *queue) Pause(_ context.Context, id string) (jobs.Job, error) {
	return q.change(id, jobs.Paused)
}
func (q *queue) Resume(_ context.Context, id string) (jobs.Job, error) {
	return q.change(id, jobs.Queued)
}

func (q *queue) Events(_ context.Context, _, after string, limit int) ([]jobs.Event, bool, error) {
	list := q.events
	if after != "" {
		i := slices.IndexFunc(list, func(e jobs.Event) bool { return e.ID == after })
		if i < 0 {
			return nil, false, jobs.ErrNotFound
		}
		list = list[i+1:]
	}
	return list[:min(limit, len(list))], len(list) > limit, nil
}

func (q *queue) Follow(ctx context.Context, _, after string) iter.Seq2[jobs.Event, error] {
	return func(yield func(jobs.Event, error) bool) {
		for _, e := range slices.Backward(q.events) {
			if e.ID > after && !yield(e, nil) {
				return
			}
		}
		for q.live != nil {
			select {
			case e, ok := <-q.live:
				if !ok {
					return
				}
				if !yield(e, nil) {
					return
				}
			case <-ctx.Done():
				yield(jobs.Event{}, ctx.Err())
				return
			}
		}
	}
}

func (q *queue) Checkpoints(_ context.Context, _, after string, limit int) ([]jobs.Checkpoint, bool, error) {
	if after != "" {
		return nil, false, jobs.ErrNotFound
	}
	return q.points[:min(limit, len(q.points))], len(q.points) > limit, nil
}

// newTuning is an API over a fake queue, with a training file.
func newTuning(t testing.TB, change ...func(*Deps)) (*shelf, *queue, string) {
	t.Helper()
	q := &queue{}
	s := newShelf(t, append([]func(*Deps){func(d *Deps) { d.Jobs = q }}, change...)...)
	id := fieldsOf(t, s.send(t, "/v1/files", "file", "rows.jsonl", "{}", "purpose", "fine-tune"), 200)["id"].(string)
	return s, q, id
}

func TestTuningCreate(t *testing.T) {
	s, q, file := newTuning(t)
	w := do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q,"hyperparameters":{"n_epochs":"auto"},"integrations":null}`, file))
	sameJSON(t, w.Body.String(), fmt.Sprintf(`{"id":"ftjob-1","object":"fine_tuning.job","created_at":1800000000,"finished_at":null,"model":"fake","fine_tuned_model":null,
		"organization_id":"graft","status":"validating_files","hyperparameters":{"n_epochs":"auto","batch_size":"auto","learning_rate_multiplier":"auto"},"training_file":%q,
		"validation_file":null,"result_files":[],"trained_tokens":null,"error":null,"seed":7,"integrations":[],"estimated_finish":null,
		"method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":"auto","batch_size":"auto","learning_rate_multiplier":"auto"}}},
		"metadata":null,"user_provided_suffix":null,"graft":{"settings":{},"plan":null,"name":"ft:x","step":0,"steps":0,"report":null}}`, file))

	rank, off, share := 8, false, 0.25
	fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q,"validation_file":%q,"suffix":"mine","seed":3,"metadata":{"k":"v"},
		"method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.1,"n_epochs":2,"batch_size":4,"learning_rate_multiplier":0.5,
		"graft":{"rank":8,"dora":false,"validation_share":0.25,"targets":"all-linear","recipe":"auto"}}}}}`, file, file)), 200)
	seed := int64(3)
	want := jobs.Spec{Model: "fake", TrainingFile: file, ValidationFile: file, Suffix: "mine", Seed: &seed, Method: jobs.DPO, Metadata: map[string]string{"k": "v"},
		Hyper: jobs.Hyper{Epochs: 2, Batch: 4, RateMultiplier: 0.5, Beta: 0.1}, Settings: jobs.Settings{Rank: &rank, DoRA: &off, ValidShare: &share, Targets: []string{"all-linear"}, Recipe: "auto"}}
	if diff := cmp.Diff(want, q.made[1]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := fieldsOf(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-2", ""), 200)
	if diff := cmp.Diff(map[string]any{"type": "dpo", "dpo": map[string]any{"hyperparameters": map[string]any{"n_epochs": 2., "batch_size": 4., "learning_rate_multiplier": .5, "beta": .1}}}, got["method"]); diff != "" {
		t.Error(diff)
	}
	fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q,"graft":{"rank":8}}`, file)), 200)
	if r := q.made[2].Settings.Rank; r == nil || *r != 8 {
		t.Errorf("top-level graft: %v", r)
	}
}

func TestTuningRefused(t *testing.T) {
	s, q, file := newTuning(t)
	other := fieldsOf(t, s.send(t, "/v1/files", "file", "b", "{}", "purpose", "batch"), 200)["id"].(string)
	method := func(kind, hyper string) string {
		return fmt.Sprintf(`,"method":{"type":%q,%q:{"hyperparameters":{%s}}}`, kind, kind, hyper)
	}
	hyper := "method.supervised.hyperparameters."
	for more, want := range map[string]string{
		``:                    "",
		`,"colour":1`:         "colour unknown_parameter",
		`,"suffix":""`:        "suffix string_below_min_length",
		`,"seed":2147483648`:  "seed integer_above_max_value",
		`,"seed":-1`:          "seed integer_below_min_value",
		`,"metadata":{"k":1}`: "metadata.k invalid_type",
		`,"metadata":{"k":"` + strings.Repeat("é", 513) + `"}`:       "metadata.k string_above_max_length",
		`,"metadata":{"k":"` + strings.Repeat("é", 512) + `"}`:       "",
		`,"metadata":{"` + strings.Repeat("k", 65) + `":""}`:         "metadata string_above_max_length",
		`,"integrations":[{"type":"wandb","wandb":{"project":"p"}}]`: "integrations unsupported_parameter",
		`,"integrations":[]`:         "",
		`,"method":{}`:               "method.type missing_required_parameter",
		`,"method":{"type":"other"}`: "method.type invalid_value",
		`,"method":{"type":"reinforcement","reinforcement":{"grader":{}}}`:     "method.type unsupported_value",
		`,"method":{"type":"supervised","dpo":{"hyperparameters":{"beta":1}}}`: "method.dpo invalid_value",
		method("supervised", `"n_epochs":0`):                                   hyper + "n_epochs integer_below_min_value",
		method("supervised", `"n_epochs":51`):                                  hyper + "n_epochs integer_above_max_value",
		method("supervised", `"n_epochs":"many"`):                              hyper + "n_epochs invalid_type",
		method("supervised", `"batch_size":257`):                               hyper + "batch_size integer_above_max_value",
		method("supervised", `"learning_rate_multiplier":0`):                   hyper + "learning_rate_multiplier decimal_below_min_value",
		method("supervised", `"beta":1`):                                       hyper + "beta unknown_parameter",
		method("supervised", `"graft":{"ranks":1}`):                            hyper + "graft.ranks unknown_parameter",
		method("dpo", `"beta":2.5`):                                            "method.dpo.hyperparameters.beta decimal_above_max_value",
		method("supervised", ``) + `,"hyperparameters":{}`:                     "hyperparameters invalid_value",
		method("supervised", `"graft":{}`) + `,"graft":{}`:                     "graft invalid_value",
		`,"hyperparameters":{"n_epochs":0}`:                                    "hyperparameters.n_epochs integer_below_min_value",
		`,"graft":{"rank":"x"}`:                                                "graft.rank invalid_type",
		`,"validation_file":"none"`:                                            "validation_file file_not_found",
	} {
		w := do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q%s}`, file, more))
		if want == "" {
			fieldsOf(t, w, 200)
			continue
		}
		param, code, _ := strings.Cut(want, " ")
		if message := wantError(t, w, 400, invalidRequest, param, code); code == "unsupported_value" && !strings.Contains(message, "supervised and dpo") {
			t.Errorf("reinforcement: %s", message)
		}
	}
	for body, want := range map[string]string{
		`{"training_file":"x"}`:                  "model missing_required_parameter",
		`{"model":"fake"}`:                       "training_file missing_required_parameter",
		`{"model":"none","training_file":"x"}`:   "model model_not_available",
		`{"model":"fake","training_file":"x"}`:   "training_file file_not_found",
		`{"model":"fake","training_file":""}`:    "training_file invalid_value",
		`{"model":"fake","training_file":["x"]}`: "training_file invalid_type",
	} {
		param, code, _ := strings.Cut(want, " ")
		wantError(t, do(s, "POST", "/v1/fine_tuning/jobs", body), 400, invalidRequest, param, code)
	}

	// What the service refuses is named as the client has called it.
	for _, c := range []struct{ body, service, want string }{
		{`,"graft":{"rank":0}`, "method.supervised.hyperparameters.graft.rank", "graft.rank"},
		{method("supervised", `"graft":{"rank":0}`), "method.supervised.hyperparameters.graft.rank", hyper + "graft.rank"},
		{`,"hyperparameters":{"n_epochs":1}`, hyper + "n_epochs", "hyperparameters.n_epochs"},
		{`,"suffix":"a b"`, "suffix", "suffix"},
	} {
		q.fail = &jobs.InvalidError{Param: c.service, Message: "no"}
		wantError(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q%s}`, file, c.body)), 400, invalidRequest, c.want, "invalid_value")
	}
	q.fail = fmt.Errorf("%w: 100", jobs.ErrFull)
	wantError(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q}`, other)), 429, rateLimit, "", "too_many_jobs")

	without, _ := newTest(t)
	wantError(t, do(without, "GET", "/v1/fine_tuning/jobs", ""), 409, invalidRequest, "", "fine_tuning_unavailable")
}

func TestTuningJobs(t *testing.T) {
	s, q, file := newTuning(t)
	for _, metadata := range []string{`null`, `{"a":"1"}`, `{"a":"1","b":"2"}`} {
		fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q,"metadata":%s}`, file, metadata)), 200)
	}
	for query, want := range map[string]string{
		"": "ftjob-3 ftjob-2 ftjob-1 false", "?limit=2": "ftjob-3 ftjob-2 true", "?after=ftjob-3&limit=1": "ftjob-2 true",
		"?metadata[a]=1": "ftjob-3 ftjob-2 false", "?metadata%5Ba%5D=1&metadata%5Bb%5D=2": "ftjob-3 false", "?metadata=null": "ftjob-1 false", "?limit=3": "ftjob-3 ftjob-2 ftjob-1 false",
	} {
		list := fieldsOf(t, do(s, "GET", "/v1/fine_tuning/jobs"+query, ""), 200)
		got := ""
		for _, j := range list["data"].([]any) {
			got += j.(map[string]any)["id"].(string) + " "
		}
		if got += fmt.Sprint(list["has_more"]); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	wantError(t, do(s, "GET", "/v1/fine_tuning/jobs?after=none", ""), 400, invalidRequest, "after", "invalid_value")
	wantError(t, do(s, "GET", "/v1/fine_tuning/jobs?limit=0", ""), 400, invalidRequest, "limit", "integer_below_min_value")
	for _, ask := range []string{"GET ", "POST /cancel", "POST /pause", "POST /resume", "GET /events", "GET /checkpoints", "GET /events?stream=true"} {
		method, path, _ := strings.Cut(ask, " ")
		wantError(t, do(s, method, "/v1/fine_tuning/jobs/ftjob-none"+path, ""), 404, invalidRequest, "fine_tuning_job_id", "fine_tune_not_found")
	}
	for action, want := range map[string]string{"pause": "paused", "resume": "queued"} {
		if j := fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs/ftjob-1/"+action, ""), 200); j["status"] != want {
			t.Errorf("%s: %v", action, j["status"])
		}
	}
	if j := fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs/ftjob-1/cancel", "{}"), 200); j["status"] != "cancelled" {
		t.Errorf("cancel: %v", j["status"])
	}
	message := wantError(t, do(s, "POST", "/v1/fine_tuning/jobs/ftjob-1/cancel", ""), 400, invalidRequest, "fine_tuning_job_id", "invalid_job_state")
	if !strings.Contains(message, "cancelled") {
		t.Errorf("the message does not say the state: %s", message)
	}

	j := &q.list[1]
	j.Status, j.Ended, j.TrainedTokens, j.Model, j.ResultFiles = jobs.Failed, time.Unix(1_800_000_100, 0), 12, "ft:fake", []string{"file-r"}
	j.Error = &jobs.Error{Code: "invalid_training_file", Message: "line 3", Param: "training_file"}
	got := fieldsOf(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-2", ""), 200)
	want := map[string]any{"status": "failed", "finished_at": 1_800_000_100., "trained_tokens": 12., "fine_tuned_model": "ft:fake", "result_files": []any{"file-r"},
		"error": map[string]any{"code": "invalid_training_file", "message": "line 3", "param": "training_file"}}
	for key, v := range want {
		if diff := cmp.Diff(v, got[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func TestTuningEvents(t *testing.T) {
	s, q, file := newTuning(t)
	fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q}`, file)), 200)
	at := time.Unix(1_800_000_000, 0)
	q.events = []jobs.Event{
		{ID: "ftevent-3", Created: at, Level: "info", Message: "Step 1/1: training loss=0.5", Type: "metrics", Data: map[string]any{"step": 1, "train_loss": 0.5}},
		{ID: "ftevent-2", Created: at, Level: "warn", Message: "b", Type: "message"}, {ID: "ftevent-1", Created: at, Level: "info", Message: "a", Type: "message"},
	}
	path := "/v1/fine_tuning/jobs/ftjob-1/events"
	first := `{"id":"ftevent-3","object":"fine_tuning.job.event","created_at":1800000000,"level":"info","message":"Step 1/1: training loss=0.5","type":"metrics","data":{"step":1,"train_loss":0.5}}`
	second := `{"id":"ftevent-2","object":"fine_tuning.job.event","created_at":1800000000,"level":"warn","message":"b","type":"message","data":null}`
	sameJSON(t, do(s, "GET", path+"?limit=2", "").Body.String(), `{"object":"list","data":[`+first+`,`+second+`],"has_more":true}`)
	sameJSON(t, do(s, "GET", path+"?limit=1&after=ftevent-3", "").Body.String(), `{"object":"list","data":[`+second+`],"has_more":true}`)
	wantError(t, do(s, "GET", path+"?after=none", ""), 400, invalidRequest, "after", "invalid_value")
	wantError(t, do(s, "GET", path+"?stream=true&after=none", ""), 400, invalidRequest, "after", "invalid_value")
	wantError(t, do(s, "GET", path+"?stream=1", ""), 400, invalidRequest, "stream", "invalid_value")

	w := do(s, "GET", path+"?stream=true&after=ftevent-1", "")
	if want := "data: " + second + "\n\ndata: " + first + "\n\ndata: [DONE]\n\n"; w.Body.String() != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		t.Errorf("streamed %q, want %q", w.Body, want)
	}

	loss, accuracy := 0.5, 0.25
	q.points = []jobs.Checkpoint{{ID: "ftckpt_1", Created: at, Job: "ftjob-1", Name: "ft:x:ckpt-step-1", Step: 1, Metrics: jobs.Metrics{Step: 1, TrainLoss: &loss, FullValidAccuracy: &accuracy}}}
	sameJSON(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-1/checkpoints", "").Body.String(), `{"object":"list","data":[{"id":"ftckpt_1","object":"fine_tuning.job.checkpoint","created_at":1800000000,
		"fine_tuning_job_id":"ftjob-1","fine_tuned_model_checkpoint":"ft:x:ckpt-step-1","step_number":1,"metrics":{"step":1,"train_loss":0.5,"full_valid_mean_token_accuracy":0.25}}],
		"first_id":"ftckpt_1","last_id":"ftckpt_1","has_more":false}`)
	wantError(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-1/checkpoints?after=x", ""), 400, invalidRequest, "after", "invalid_value")
}

// A live stream ends when the server shuts down, and says so.
func TestTuningStreamDrains(t *testing.T) {
	down := make(chan struct{})
	s, q, file := newTuning(t, func(d *Deps) {
		d.Ready = func() error {
			select {
			case <-down:
				return fmt.Errorf("down: %w", jobs.ErrClosed)
			default:
				return nil
			}
		}
	})
	fieldsOf(t, do(s, "POST", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"fake","training_file":%q}`, file)), 200)
	q.live = make(chan jobs.Event)
	done := make(chan string)
	go func() { done <- do(s, "GET", "/v1/fine_tuning/jobs/ftjob-1/events?stream=true", "").Body.String() }()
	q.live <- jobs.Event{ID: "ftevent-1", Level: "info", Message: "live", Type: "message"}
	close(down)
	select {
	case text := <-done:
		if !strings.Contains(text, `"message":"live"`) || !strings.Contains(text, "shutting_down") || strings.Contains(text, "[DONE]") {
			t.Errorf("streamed %q", text)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the stream does not end")
	}
}

// Jobs and the files that they train on are a key's own.
func TestTuningOfKeys(t *testing.T) {
	s, q, _ := newTuning(t, func(d *Deps) {
		d.Keys = keyTable{"a": {ID: "key-a"}, "b": {ID: "key-b"}, "root": {ID: "key-r", Admin: true}}
	})
	s.Handler, _ = newTest(t, func(d *Deps) {
		d.Files, d.Jobs, d.Options.RequireKeys = s.store, q, true
		d.Keys = keyTable{"a": {ID: "key-a"}, "b": {ID: "key-b"}, "root": {ID: "key-r", Admin: true}}
	})
	as := func(key, method, path, body string) *httptest.ResponseRecorder {
		r := request(method, path, body)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	kind, form := fileForm(t, "file", "x", "of a", "purpose", "fine-tune")
	r := httptest.NewRequest("POST", "/v1/files", form)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer a")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	file := fieldsOf(t, w, 200)["id"].(string)
	body := fmt.Sprintf(`{"model":"fake","training_file":%q}`, file)
	wantError(t, as("b", "POST", "/v1/fine_tuning/jobs", body), 400, invalidRequest, "training_file", "file_not_found")
	id := fieldsOf(t, as("a", "POST", "/v1/fine_tuning/jobs", body), 200)["id"].(string)
	if q.made[0].Owner != "key-a" {
		t.Errorf("owner %q", q.made[0].Owner)
	}
	q.list = append([]jobs.Job{{ID: "ftjob-b", Spec: jobs.Spec{Owner: "key-b", Method: jobs.Supervised}}}, q.list...)
	for key, want := range map[string]int{"a": 1, "b": 1, "root": 2} {
		if list := fieldsOf(t, as(key, "GET", "/v1/fine_tuning/jobs", ""), 200); len(list["data"].([]any)) != want || list["has_more"] != false {
			t.Errorf("%s sees %v", key, list)
		}
	}
	for _, ask := range []string{"GET ", "POST /cancel", "POST /pause", "POST /resume", "GET /events", "GET /checkpoints"} {
		method, path, _ := strings.Cut(ask, " ")
		wantError(t, as("b", method, "/v1/fine_tuning/jobs/"+id+path, ""), 404, invalidRequest, "fine_tuning_job_id", "fine_tune_not_found")
	}
	wantError(t, as("b", "GET", "/v1/fine_tuning/jobs?after="+id, ""), 400, invalidRequest, "after", "invalid_value")
	fieldsOf(t, as("root", "POST", "/v1/fine_tuning/jobs/"+id+"/cancel", ""), 200)
}

// A permission of a checkpoint is an API key in the settings of its adapter.
func TestTuningPermissions(t *testing.T) {
	b := newBench(t)
	fieldsOf(t, do(b, "POST", "/v1/lora_adapters", `{"name":"ft:fake:graft::x:ckpt-step-1","path":"one"}`), 201)
	path := "/v1/fine_tuning/checkpoints/ft:fake:graft::x:ckpt-step-1/permissions"
	sameJSON(t, do(b, "GET", path, "").Body.String(), `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}`)
	made := fieldsOf(t, do(b, "POST", path, `{"project_ids":["key-a","key-b","key-a"]}`), 200)["data"].([]any)
	first := made[0].(map[string]any)
	if len(made) != 3 || first["object"] != "checkpoint.permission" || first["project_id"] != "key-a" || !strings.HasPrefix(first["id"].(string), "cp_") {
		t.Errorf("made %v", made)
	}
	e, err := b.registry.Get(t.Context(), "ft:fake:graft::x:ckpt-step-1")
	if err != nil || !slices.Equal(e.Settings.Keys, []string{"key-a", "key-b"}) {
		t.Errorf("keys %v, %v", e.Settings.Keys, err)
	}
	projects := func(query string) string {
		t.Helper()
		list := fieldsOf(t, do(b, "GET", path+query, ""), 200)
		text := ""
		for _, p := range list["data"].([]any) {
			text += p.(map[string]any)["project_id"].(string) + " "
		}
		return text + fmt.Sprint(list["has_more"])
	}
	for query, want := range map[string]string{"": "key-b key-a false", "?order=ascending&limit=1": "key-a true", "?project_id=key-a": "key-a false", "?order=ascending&after=" + first["id"].(string): "key-b false"} {
		if got := projects(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	gone := do(b, "DELETE", path+"/"+first["id"].(string), "")
	sameJSON(t, gone.Body.String(), fmt.Sprintf(`{"id":%q,"object":"checkpoint.permission","deleted":true}`, first["id"]))
	wantError(t, do(b, "DELETE", path+"/"+first["id"].(string), ""), 404, invalidRequest, "permission_id", "permission_not_found")
	last := fieldsOf(t, do(b, "GET", path, ""), 200)["first_id"].(string)
	wantError(t, do(b, "DELETE", path+"/"+last, ""), 400, invalidRequest, "permission_id", "last_permission")
	wantError(t, do(b, "POST", path, `{"project_ids":[]}`), 400, invalidRequest, "project_ids", "invalid_value")
	wantError(t, do(b, "GET", "/v1/fine_tuning/checkpoints/none/permissions", ""), 404, invalidRequest, "name", "lora_adapter_not_found")
	wantError(t, do(b, "GET", "/v1/fine_tuning/checkpoints/none", ""), 404, invalidRequest, "", "unknown_url")
}
