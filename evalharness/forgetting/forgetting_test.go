package forgetting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/serving"
	"graft/serving/native"
)

func TestSuite(t *testing.T) {
	items, subjects, ids, questions := Items(), map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, it := range items {
		if it.Answer < 0 || it.Answer >= len(it.Choices) || len(it.Choices) != 4 || ids[it.ID] || questions[it.Question] && it.Subject != "arithmetic" {
			t.Errorf("%+v", it)
		}
		ids[it.ID], questions[it.Question] = true, true
		if s := slices.Clone(it.Choices); len(slices.Compact(slices.Sorted(slices.Values(s)))) != 4 {
			t.Errorf("%s: a choice is there twice: %q", it.ID, it.Choices)
		}
		for _, c := range it.Choices {
			if strings.TrimSpace(c) != c || c == "" {
				t.Errorf("%s: choice %q", it.ID, c)
			}
		}
		subjects[it.Subject]++
	}
	if n := len(items) - subjects["arithmetic"]; n < 300 || len(subjects) < 9 || subjects["arithmetic"] != 64 {
		t.Errorf("%d items of %d subjects, %d sums", n, len(subjects), subjects["arithmetic"])
	}
	if n := bytes.Count(JSONL(), []byte("\n")); n != len(items) {
		t.Errorf("%d lines, want %d", n, len(items))
	}
	var first Item
	if err := json.NewDecoder(bytes.NewReader(JSONL())).Decode(&first); err != nil || first.Question != items[0].Question {
		t.Error(first, err)
	}
}

// The right choices are not at one place more often than chance would have it.
func TestSuiteIsBalanced(t *testing.T) {
	at := [4]int{}
	items := Items()
	for _, it := range items {
		at[it.Answer]++
	}
	for i, n := range at {
		if share := float64(n) / float64(len(items)); math.Abs(share-.25) > .07 {
			t.Errorf("choice %d is right in %.2f of the items", i, share)
		}
	}
}

// Sums are right; the other choices are not.
func TestArithmetic(t *testing.T) {
	for _, it := range arithmetic() {
		var a, b, want int
		switch q := it.Question; {
		case strings.Contains(q, "plus"):
			fmt.Sscanf(q, "%d plus %d", &a, &b)
			want = a + b
		case strings.Contains(q, "minus"):
			fmt.Sscanf(q, "%d minus %d", &a, &b)
			want = a - b
		case strings.Contains(q, "times"):
			fmt.Sscanf(q, "%d times %d", &a, &b)
			want = a * b
		default:
			fmt.Sscanf(q, "The number after %d is one more than it; the number %d", &a, &b)
			want = a + 1 + b
		}
		for i, c := range it.Choices {
			if (c == fmt.Sprint(want)) != (i == it.Answer) {
				t.Errorf("%+v: want %d", it, want)
			}
		}
	}
}

func TestInstructions(t *testing.T) {
	good := map[string]string{
		"i01": "OK.", "i02": "Rome", "i03": "Yes.", "i04": "no", "i05": "HOUSE", "i06": "THE SEA IS WIDE.", "i07": "bread is good.", "i08": "red\nblue\ngreen",
		"i09": "cat, dog", "i10": "To drive nails.", "i11": "7", "i12": "4.", "i13": "```json\n{\"name\": \"A\", \"age\": 3}\n```", "i14": `{"city": "X"}`,
		"i15": "The cat sat on the mat.", "i16": "The bridge spans the river.", "i17": "Summer is here!", "i18": "Will it rain?", "i19": "Bonjour", "i20": "Rain falls from clouds.",
		"i21": "- a\n- b\n- c\n- d", "i22": "Certainly. It is …", "i23": "green", "i24": "1 2 3 4 5",
	}
	for _, in := range instructions {
		if !in.followed(good[in.id]) {
			t.Errorf("%s: %q is right", in.id, good[in.id])
		}
		for _, bad := range []string{"", "I am a language model and I would like to tell you of My life with water.\nSo it was"} {
			if in.followed(bad) {
				t.Errorf("%s: %q is wrong", in.id, bad)
			}
		}
	}
	if len(good) != len(instructions) {
		t.Errorf("%d instructions, %d answers", len(instructions), len(good))
	}
}

// fake knows the right answers of some items: log-probabilities of its tokens, which are
// bytes, are drawn from the text before them.
type fake struct {
	serving.Backend
	knows func(text string) bool
	err   error
}

func (f *fake) Generate(_ context.Context, r *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	if f.err != nil {
		return nil, f.err
	}
	if r.PromptIDs == nil {
		return &serving.Result{}, emit(serving.Event{Text: "OK", Finish: serving.FinishStop})
	}
	text := make([]byte, len(r.PromptIDs))
	res := &serving.Result{}
	for i, id := range r.PromptIDs {
		text[i] = byte(id)
		h := fnv.New32()
		h.Write(text[:i+1])
		res.Prompt = append(res.Prompt, serving.TokenLogprob{ID: id, First: i == 0, Logprob: -3 - float64(h.Sum32()%1000)/1e6})
	}
	if f.knows(string(text)) {
		for i := range res.Prompt {
			res.Prompt[i].Logprob = -.001
		}
	}
	return res, nil
}

func bytesOf(_ context.Context, text string) (ids []int32, err error) {
	for i := range len(text) {
		ids = append(ids, int32(text[i]))
	}
	return ids, nil
}

// right are the sentences that are true, of every n-th item.
func right(n int) func(string) bool {
	all := map[string]bool{}
	for i, it := range Items() {
		if i%n == 0 {
			all[it.Question+" "+it.Choices[it.Answer]] = true
		}
	}
	return func(s string) bool { return all[s] }
}

func TestRun(t *testing.T) {
	model := func(knows func(string) bool) *Model { return &Model{Backend: &fake{knows: knows}, Tokenize: bytesOf} }
	all := model(right(1))
	steps := 0
	same, err := Run(t.Context(), all, model(right(1)), Options{Progress: func(done, total int) {
		if steps++; done != steps || total != len(Items())+len(instructions)+2 {
			t.Errorf("step %d: %d of %d", steps, done, total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if steps != len(Items())+len(instructions)+2 || same.Base != 1 || same.Adapter != 1 || !same.Passed || same.Low95 < -.02 || same.BaseBPB != same.AdaptBPB || same.Advice != "" {
		t.Errorf("after %d steps %+v", steps, same)
	}
	worse, err := Run(t.Context(), all, model(right(2)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if worse.Passed || worse.Diff > -.2 || !strings.Contains(worse.Advice, "lower learning rate") || worse.Generated.Items != len(instructions) {
		t.Errorf("%+v", worse)
	}
	if !strings.HasSuffix(worse.Advice, "fewer epochs") {
		t.Errorf("without checkpoints: %s", worse.Advice)
	}
	// The first checkpoint that passes is named; the base is not asked again.
	counted := &counting{fake: fake{knows: right(1)}}
	asked := &Model{Backend: counted, Tokenize: bytesOf}
	name := func(m *Model, name string) *Model { m.Name = name; return m }
	last := 0
	o := Options{Items: Items()[:120], Progress: func(done, total int) {
		if done <= last || done > total {
			t.Errorf("step %d of %d after %d", done, total, last)
		}
		last = done
	}, Earlier: []*Model{name(model(right(2)), "step-3"), name(model(right(1)), "step-2"), name(model(right(1)), "step-1")}}
	if f, err := Run(t.Context(), asked, model(right(2)), o); err != nil || !strings.Contains(f.Advice, "checkpoint step-2 passes") || f.Diff > -.2 {
		t.Errorf("%+v, %v", f, err)
	}
	alone := counted.n.Swap(0)
	if _, err := Run(t.Context(), asked, model(right(2)), Options{Items: o.Items}); err != nil || counted.n.Load() != alone {
		t.Errorf("the base answered %d times with checkpoints, %d without, %v", alone, counted.n.Load(), err)
	}
	last = 0
	o.Earlier = o.Earlier[:1]
	if f, err := Run(t.Context(), all, model(right(2)), o); err != nil || !strings.Contains(f.Advice, "the one earlier checkpoint does not pass") {
		t.Errorf("%+v, %v", f, err)
	}
	few, err := Run(t.Context(), all, model(right(1)), Options{Items: Items()[:40]})
	if err != nil {
		t.Fatal(err)
	}
	if few.Passed || !strings.Contains(few.Advice, "cannot certify") || few.Needed <= 40 {
		t.Errorf("%+v", few)
	}
	drifts := model(right(1))
	drifts.Backend = &drifting{fake{knows: right(1)}}
	if f, err := Run(t.Context(), all, drifts, Options{}); err != nil || f.Passed || f.AdaptBPB < f.BaseBPB+.1 {
		t.Errorf("%+v, %v", f, err)
	}
	broken := &Model{Backend: &fake{err: serving.ErrDraining}, Tokenize: bytesOf}
	if _, err := Run(t.Context(), all, broken, Options{}); !errors.Is(err, serving.ErrDraining) {
		t.Error(err)
	}
}

// counting counts what it is asked.
type counting struct {
	fake
	n atomic.Int64
}

func (c *counting) Generate(ctx context.Context, r *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	c.n.Add(1)
	return c.fake.Generate(ctx, r, emit)
}

// drifting finds long texts less likely.
type drifting struct{ fake }

func (d *drifting) Generate(ctx context.Context, r *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	res, err := d.fake.Generate(ctx, r, emit)
	if err == nil && len(res.Prompt) > 200 {
		for i := range res.Prompt {
			res.Prompt[i].Logprob -= .2
		}
	}
	return res, err
}

// Items that certify a margin at no change, as the reference has them.
func TestNeeded(t *testing.T) {
	for _, c := range []struct {
		psi, margin float64
		want        int
	}{{.05, .05, 124}, {.10, .05, 248}, {.15, .05, 371}, {.05, .03, 344}, {.10, .03, 687}, {.15, .03, 1031}} {
		if n := needed(c.psi, c.margin); n != c.want {
			t.Errorf("%v, %v: %d, want %d", c.psi, c.margin, n, c.want)
		}
	}
}

// On the default model: above chance, and the base is not inferior to itself.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("a real model takes a minute")
	}
	o := native.DefaultOptions()
	o.Models = []native.Source{{Info: serving.Model{ID: "m"}, Open: func(context.Context) (string, error) { return hubtest.Model(t, "smollm2-135m-instruct"), nil }}}
	b, err := native.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	m := &Model{Backend: b, Name: "m", Tokenize: func(ctx context.Context, text string) ([]int32, error) {
		got, err := b.Tokenize(ctx, &serving.TokenizeRequest{Model: "m", Prompt: text})
		if err != nil {
			return nil, err
		}
		return got.IDs, nil
	}}
	var items []Item
	for i, it := range Items() {
		if i%5 == 0 {
			items = append(items, it)
		}
	}
	f, err := Run(t.Context(), m, m, Options{Items: items})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items: %.3f right; %.3f bits per byte; instructions %.2f", f.Items, f.Base, f.BaseBPB, f.Generated.Base)
	if f.Base < .4 || f.Base != f.Adapter || !(f.BaseBPB > .5 && f.BaseBPB < 2) || f.BaseBPB != f.AdaptBPB {
		t.Errorf("%+v", f)
	}
}
