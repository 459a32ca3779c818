package evals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"graft/evalharness/graders"
	"graft/internal/store"
	"graft/serving"
)

// models answers with the text of the last message, and counts the questions.
type models struct {
	mu    sync.Mutex
	asked map[string]int                               // by the text
	as    map[string]string                            // what a name is pinned to
	hold  func(ctx context.Context, text string) error // before an answer; nil: nothing
	seen  func(q graders.Question, client Client)      // nil: nobody looks
}

func (m *models) Pin(_ context.Context, _ Client, model string) (string, error) {
	if as, ok := m.as[model]; ok {
		return as, nil
	}
	return "", fmt.Errorf("model %q: %w", model, serving.ErrModelNotFound)
}

func (m *models) Ask(ctx context.Context, client Client, q graders.Question) (*graders.Answer, error) {
	text := q.Messages[len(q.Messages)-1].Content[0].Text
	m.mu.Lock()
	m.asked[text]++
	if m.seen != nil {
		m.seen(q, client)
	}
	m.mu.Unlock()
	if m.hold != nil {
		if err := m.hold(ctx, text); err != nil {
			return nil, err
		}
	}
	return &graders.Answer{Text: text, Finish: serving.FinishStop, Usage: serving.Usage{Prompt: 3, Completion: 2, Cached: 1}}, nil
}

func newModels() *models {
	return &models{asked: map[string]int{}, as: map[string]string{"m": "m@1"}}
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// working starts the work of a service; stop ends it.
func working(t *testing.T, s *store.Store, m Models) (service *Service, stop func()) {
	t.Helper()
	service = New(Options{Store: s, Parallel: 4})
	service.Use(m)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Work(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return service, stop
}

var (
	me        = Client{ID: "key-1"}
	questions = Config{Type: "custom", Schema: json.RawMessage(`{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}`)}
)

func echo() Spec {
	return Spec{Name: "echo", Config: questions, Criteria: []*graders.Spec{{Type: graders.StringCheck, Name: "same", Text: "{{sample.output_text}}", Reference: "{{item.a}}", Operation: "eq", Raw: json.RawMessage(`{}`)}}}
}

func ask() RunSpec {
	return RunSpec{Kind: Completions, Model: "m", Template: []graders.Message{{Role: "user", Parts: []string{"{{item.q}}"}}}, Source: json.RawMessage(`{}`)}
}

// rows are n rows, of which every third is answered wrong.
func rows(n int) (list []Row) {
	for i := range n {
		a := i
		if i%3 == 2 {
			a = -1
		}
		list = append(list, Row{Item: json.RawMessage(fmt.Sprintf(`{"q":"%d","a":"%d"}`, i, a))})
	}
	return list
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ended(t *testing.T, s *Service, r Run) Run {
	t.Helper()
	for range 4000 {
		got := must[Run](t)(s.Run(t.Context(), me, r.Eval, r.ID))
		if got.Status != Queued && got.Status != InProgress {
			return got
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("the run does not end")
	return r
}

// A run that is broken off, again and again, ends with every row counted once.
func TestResumed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModels()
	first, stop := working(t, s, m)
	e := must[Eval](t)(first.Create(t.Context(), me, echo()))
	var broken int
	var mu sync.Mutex
	m.hold = func(ctx context.Context, text string) error { // some never answer before the service is stopped
		mu.Lock()
		hang := broken < 40 && (len(text)+broken)%3 == 0
		broken++
		mu.Unlock()
		if hang {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	r := must[Run](t)(first.CreateRun(t.Context(), me, e.ID, ask(), rows(30)))
	if r.Status != Queued || r.Usage != nil || r.Criteria != nil {
		t.Errorf("a new run: %+v", r)
	}
	for restart := 0; ; restart++ {
		time.Sleep(30 * time.Millisecond)
		stop()
		got := must[Run](t)(first.Run(t.Context(), me, e.ID, r.ID))
		list, _, err := first.Items(t.Context(), me, e.ID, r.ID, "", store.Page{Limit: 100})
		if err != nil || len(list) != got.Counts.Total || got.Counts.Passed+got.Counts.Failed != got.Counts.Total {
			t.Fatalf("after stop %d: %d rows have ended, counted %+v, %v", restart, len(list), got.Counts, err)
		}
		if got.Status == Completed {
			if restart < 2 {
				t.Errorf("the run was broken off %d times only", restart)
			}
			break
		}
		if got.Status != InProgress || restart > 200 {
			t.Fatalf("after stop %d: %+v", restart, got)
		}
		s.Close()
		s = open(t, dir)
		first, stop = working(t, s, m)
	}
	got := must[Run](t)(first.Run(t.Context(), me, e.ID, r.ID))
	if want := (Counts{30, 0, 10, 20}); got.Counts != want {
		t.Errorf("counts %+v, want %+v", got.Counts, want)
	}
	if want := (ModelUsage{"m", 30, 90, 60, 150, 30}); len(got.Usage) != 1 || got.Usage[0] != want {
		t.Errorf("usage %+v, want %+v", got.Usage, want)
	}
	if want := (CriterionCount{e.Criteria[0].ID, 20, 10}); len(got.Criteria) != 1 || got.Criteria[0] != want {
		t.Errorf("criteria %+v, want %+v", got.Criteria, want)
	}
	more := 0
	for _, n := range m.asked {
		more += n - 1
	}
	if len(m.asked) != 30 || more == 0 {
		t.Errorf("%d rows were asked for, %d of them again", len(m.asked), more)
	}
}

func TestCanceled(t *testing.T) {
	m := newModels()
	started := make(chan struct{}, 100)
	m.hold = func(ctx context.Context, text string) error {
		if text == "0" {
			return nil
		}
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	s, _ := working(t, open(t, t.TempDir()), m)
	e := must[Eval](t)(s.Create(t.Context(), me, echo()))
	r := must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(50)))
	<-started
	for range 1000 {
		if got := must[Run](t)(s.Run(t.Context(), me, e.ID, r.ID)); got.Counts.Total == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got := must[Run](t)(s.Cancel(t.Context(), me, e.ID, r.ID)); got.Status != Canceled {
		t.Errorf("status %s", got.Status)
	}
	for range 1000 { // its questions end
		s.mu.Lock()
		n := len(s.active)
		s.mu.Unlock()
		if n == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	got := must[Run](t)(s.Run(t.Context(), me, e.ID, r.ID))
	if got.Status != Canceled || got.Counts.Total != 1 || len(s.active) != 0 {
		t.Errorf("afterwards: %+v, %d active", got, len(s.active))
	}
	if _, err := s.Cancel(t.Context(), me, e.ID, r.ID); !errors.Is(err, ErrState) {
		t.Errorf("canceled twice: %v", err)
	}
	// The service goes on, and a deleted run ends too.
	m.hold = nil
	r = must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(3)))
	if got := ended(t, s, r); got.Status != Completed {
		t.Errorf("the next run: %+v", got)
	}
	if err := s.Delete(t.Context(), me, e.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.Run(t.Context(), me, e.ID, r.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a run of a deleted eval: %v", err)
	}
}

// What one client makes does not exist for another, an admin included.
func TestOwned(t *testing.T) {
	s, _ := working(t, open(t, t.TempDir()), newModels())
	e := must[Eval](t)(s.Create(t.Context(), me, echo()))
	r := must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(1)))
	ended(t, s, r)
	items, _, err := s.Items(t.Context(), me, e.ID, r.ID, "", store.Page{Limit: 1})
	if err != nil || len(items) != 1 {
		t.Fatalf("%v, %v", items, err)
	}
	ctx := t.Context()
	for _, other := range []Client{{ID: "key-2"}, {ID: "key-3", Admin: true}, {}} {
		for name, f := range map[string]func() error{
			"get":     func() error { _, err := s.Get(ctx, other, e.ID); return err },
			"update":  func() error { _, err := s.Update(ctx, other, e.ID, func(*Spec) {}); return err },
			"run":     func() error { _, err := s.CreateRun(ctx, other, e.ID, ask(), rows(1)); return err },
			"runs":    func() error { _, _, err := s.Runs(ctx, other, e.ID, "", store.Page{Limit: 9}); return err },
			"get run": func() error { _, err := s.Run(ctx, other, e.ID, r.ID); return err },
			"cancel":  func() error { _, err := s.Cancel(ctx, other, e.ID, r.ID); return err },
			"items":   func() error { _, _, err := s.Items(ctx, other, e.ID, r.ID, "", store.Page{Limit: 9}); return err },
			"item":    func() error { _, err := s.Item(ctx, other, e.ID, r.ID, items[0].ID); return err },
			"drop":    func() error { return s.DeleteRun(ctx, other, e.ID, r.ID) },
			"delete":  func() error { return s.Delete(ctx, other, e.ID) },
			"after":   func() error { _, _, err := s.List(ctx, other, false, store.Page{After: e.ID, Limit: 9}); return err },
		} {
			if err := f(); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s by %+v: %v", name, other, err)
			}
		}
		if list, _, err := s.List(ctx, other, false, store.Page{Limit: 9}); err != nil || len(list) != 0 {
			t.Errorf("%+v sees %v, %v", other, list, err)
		}
	}
	// A run of one eval is none of another.
	e2 := must[Eval](t)(s.Create(ctx, me, echo()))
	if _, err := s.Run(ctx, me, e2.ID, r.ID); !errors.Is(err, ErrNoRun) {
		t.Errorf("a run under another eval: %v", err)
	}
}

// A run keeps asking what its model stood for when it was made.
func TestPinned(t *testing.T) {
	m := newModels()
	var asked []string
	m.seen = func(q graders.Question, client Client) { asked = append(asked, q.Model+" "+client.ID) }
	st := open(t, t.TempDir())
	s := New(Options{Store: st})
	s.Use(m)
	e := must[Eval](t)(s.Create(t.Context(), me, echo()))
	r := must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(1)))
	m.as["m"] = "m@2"
	w, _ := working(t, st, m)
	if got := ended(t, w, r); got.Status != Completed || got.Model != "m" || got.Usage[0].Model != "m" {
		t.Errorf("%+v", got)
	}
	if fmt.Sprint(asked) != "[m@1 key-1]" {
		t.Errorf("asked %v", asked)
	}
}

// What every row would meet ends the run; what one row meets is that row's.
func TestFailures(t *testing.T) {
	m := newModels()
	busy := 2
	m.hold = func(_ context.Context, text string) error {
		switch text {
		case "1":
			return &serving.ContextError{Context: 1, Prompt: 2}
		case "2": // overloaded for a while
			m.mu.Lock()
			defer m.mu.Unlock()
			if busy--; busy >= 0 {
				return serving.ErrOverloaded
			}
		case "3":
			panic("a bug")
		}
		return nil
	}
	s, _ := working(t, open(t, t.TempDir()), m)
	e := must[Eval](t)(s.Create(t.Context(), me, echo()))
	r := ended(t, s, must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(5))))
	if want := (Counts{5, 2, 1, 2}); r.Status != Completed || r.Counts != want {
		t.Errorf("%+v", r)
	}
	items, _, _ := s.Items(t.Context(), me, e.ID, r.ID, Errored, store.Page{Limit: 9})
	if len(items) != 2 || items[0].Sample.Error.Code != "context_length_exceeded" || items[1].Sample.Error.Code != "internal_error" {
		t.Errorf("%+v", items)
	}
	m.hold = func(_ context.Context, text string) error {
		if text == "2" {
			return fmt.Errorf("model %q: %w", "m", serving.ErrModelNotFound)
		}
		return nil
	}
	r = ended(t, s, must[Run](t)(s.CreateRun(t.Context(), me, e.ID, ask(), rows(40))))
	if r.Status != Failed || r.Error == nil || r.Error.Code != "model_not_found" || r.Counts.Total >= 40 {
		t.Errorf("%+v, %+v", r, r.Error)
	}
}

func TestRefusedRuns(t *testing.T) {
	s, _ := working(t, open(t, t.TempDir()), newModels())
	e := must[Eval](t)(s.Create(t.Context(), me, echo()))
	for name, c := range map[string]struct {
		change func(*RunSpec)
		rows   []Row
	}{
		"data_source.source":                        {func(*RunSpec) {}, nil},
		"data_source.source ":                       {func(*RunSpec) {}, []Row{{Item: json.RawMessage(`{"q":1}`)}}},
		"data_source.source  ":                      {func(r *RunSpec) { r.Kind = JSONL }, rows(1)},
		"data_source.input_messages.template":       {func(r *RunSpec) { r.Template = nil }, rows(1)},
		"data_source.input_messages.template ":      {func(r *RunSpec) { r.Template[0].Parts[0] = "{{sample.output_text}}" }, rows(1)},
		"data_source.input_messages.item_reference": {func(r *RunSpec) { r.Reference = "sample.x" }, rows(1)},
	} {
		spec := ask()
		c.change(&spec)
		_, err := s.CreateRun(t.Context(), me, e.ID, spec, c.rows)
		var bad *InvalidError
		if !errors.As(err, &bad) || bad.Param != trimmed(name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	spec := ask()
	spec.Model = "nobody"
	if _, err := s.CreateRun(t.Context(), me, e.ID, spec, rows(1)); !errors.Is(err, serving.ErrModelNotFound) {
		t.Errorf("an unknown model: %v", err)
	}
	for _, schema := range []string{`{"type":"nothing"}`, `{"$ref":"https://example.com/x.json"}`, `{"$ref":"file:///etc/passwd"}`, `{"pattern":"("}`, `{"minimum":1e999999999}`,
		`{"properties":{"a":{"allOf":[{"$ref":"#"},{"\u0024ref":"#"}]}}}`, doubling(20), `{"$dynamicRef":"#"}`} {
		bad := echo()
		bad.Config.Schema = json.RawMessage(schema)
		var e *InvalidError
		if _, err := s.Create(t.Context(), me, bad); !errors.As(err, &e) || e.Param != "data_source_config.item_schema" {
			t.Errorf("%.60s: %v", schema, err)
		}
	}
}

func trimmed(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// doubling is a schema whose definitions refer to the next one twice each.
func doubling(n int) string {
	s := `{"$ref":"#/$defs/d0","$defs":{`
	for i := range n {
		s += fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	return s + fmt.Sprintf(`"d%d":{}}}`, n)
}

// A schema that nests a little, and refers to a definition twice, is fine.
func TestSchema(t *testing.T) {
	schema := json.RawMessage(`{"$ref":"#/$defs/row","$defs":{"row":{"properties":{"a":{"$ref":"#/$defs/s"},"b":{"$ref":"#/$defs/s"}}},"s":{"type":"string"}}}`)
	for item, ok := range map[string]bool{`{"a":"x","b":"y"}`: true, `{"a":1}`: false, `{"c":1e401}`: false, `{"c":1e-12}`: true} {
		if err := checkRows(Config{Type: "custom", Schema: schema}, []Row{{Item: json.RawMessage(item)}}); (err == nil) != ok {
			t.Errorf("%s: %v", item, err)
		}
	}
}
