package evalharness

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"graft/serving"
)

// fake is a backend whose answers are computed from the question.
type fake struct {
	mu      sync.Mutex
	calls   int
	asked   map[string]int // by model and last message
	answer  func(model, question string, req *serving.Request) string
	fail    func(call int) error // nil: never
	onReply func(call int)
}

func newFake(answer func(model, question string, req *serving.Request) string) *fake {
	return &fake{answer: answer, asked: map[string]int{}}
}

func (f *fake) Models(context.Context) ([]serving.Model, error) { return nil, nil }

func (f *fake) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	f.mu.Lock()
	f.calls++
	n := f.calls
	f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(n); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := req.Prompt
	if req.Messages != nil {
		q = req.Messages[len(req.Messages)-1].Content[0].Text
	}
	text := f.answer(req.Model, q, req)
	if err := emit(serving.Event{Text: text, Finish: serving.FinishStop}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.asked[fmt.Sprint(req.Model, len(req.Messages), req.Format.Choice, q)]++
	f.mu.Unlock()
	if f.onReply != nil {
		f.onReply(n)
	}
	return &serving.Result{Usage: serving.Usage{Prompt: len(strings.Fields(q)), Completion: 1}}, nil
}

// Embed makes vectors of the words.
func (f *fake) Embed(_ context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error) {
	out := &serving.Embeddings{}
	for _, in := range req.Inputs {
		v := make([]float32, 64)
		for _, w := range strings.Fields(in.Text) {
			h := fnv.New32a()
			h.Write([]byte(w))
			v[h.Sum32()%64]++
		}
		sum := 0.0
		for _, x := range v {
			sum += float64(x * x)
		}
		for i := range v {
			v[i] /= float32(math.Sqrt(max(sum, 1)))
		}
		out.Vectors = append(out.Vectors, v)
	}
	return out, nil
}

// words of a made-up language, so that no two rows are alike.
var syllables = []string{"ba", "ko", "mi", "ra", "tu", "ze", "lo", "pi", "na", "vu", "se", "gi"}

func nonsense(seed int) string {
	var words []string
	for w := range 12 {
		h := fnv.New64a()
		fmt.Fprint(h, seed, w)
		n := h.Sum64()
		word := ""
		for range 3 {
			word += syllables[n%uint64(len(syllables))]
			n /= uint64(len(syllables))
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

var fakeLabels = []string{"red", "green", "blue"}

// fakeRow is a question whose right answer it ends with, in a way only the fakes know.
func fakeRow(seed int) (question, answer string) {
	return fmt.Sprintf("%s #%d", nonsense(seed), seed), fakeLabels[seed%3]
}

func writeRows(t *testing.T, path string, from, n int) {
	t.Helper()
	var b strings.Builder
	for i := from; i < from+n; i++ {
		q, a := fakeRow(i)
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":%q},{"role":"assistant","content":%q}]}`+"\n", q, a)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// number is that of a fake row's question.
func number(question string) int {
	n := 0
	i := strings.LastIndex(question, "#")
	fmt.Sscanf(question[i+1:], "%d", &n)
	return n
}

// right answers so many of a hundred questions rightly.
func right(question string, percent, salt int) string {
	n := number(question)
	h := fnv.New64a()
	fmt.Fprint(h, n, "/", salt)
	if int(h.Sum64()%100) < percent {
		return fakeLabels[n%3]
	}
	return fakeLabels[(n+1)%3]
}

// fakeTask is a task of 60 training rows and n cases, in a folder of its own.
func fakeTask(t *testing.T, n int, more string) *Task {
	t.Helper()
	dir := t.TempDir()
	writeRows(t, filepath.Join(dir, "train.jsonl"), 0, 60)
	writeRows(t, filepath.Join(dir, "gold.jsonl"), 1000, n)
	task, err := ParseTask([]byte("name: colours\nmodel: base\nadapter: tuned\ngold: gold.jsonl\ntrain: train.jsonl\nseed: 3\n"+more), dir)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func fakeOptions(t *testing.T, task *Task, f *fake) Options {
	ep := &Endpoint{Name: "fake", Backend: f, Identity: "fake"}
	return Options{Task: task, Dir: filepath.Join(task.dir, "evals"), Base: ep, Embedder: ep, Generation: "sha256:1", Version: "test"}
}
