package adapters_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/hub"
	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/reftest"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

// question and reply are those of reference/adapters_merged.py.
type question struct {
	Path     string              `json:"path"`
	Adapter  string              `json:"adapter,omitempty"`
	IDs      []int32             `json:"ids"`
	Greedy   int                 `json:"greedy,omitempty"`
	Texts    []string            `json:"texts,omitempty"`
	Messages []map[string]string `json:"messages,omitempty"`
}

type reply struct {
	Logits   []float32
	Tokens   []int32
	Encoded  [][]int32
	Rendered string
}

// transformers answers, when GRAFT_TEST_PYTHON names a Python that has it.
func transformers(t *testing.T, questions []question) []reply {
	t.Helper()
	cmd := exec.Command(os.Getenv("GRAFT_TEST_PYTHON"), filepath.Join("..", "reference", "adapters_merged.py"))
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var replies []reply
	if err := json.Unmarshal(out, &replies); err != nil {
		t.Fatal(err)
	}
	return replies
}

func needPython(t *testing.T) {
	t.Helper()
	if os.Getenv("GRAFT_TEST_PYTHON") == "" {
		t.Skip("GRAFT_TEST_PYTHON names no Python with torch, transformers and peft")
	}
}

// TestTransformersLoads: transformers loads every merged tiny model, from either
// kind of base, and computes PEFT's logits.
func TestTransformersLoads(t *testing.T) {
	needPython(t)
	var questions []question
	var goldens []*reftest.Golden
	for _, name := range variants {
		a := readPEFT(t, name)
		golden := reftest.Load(t, filepath.Join("testdata", name+".golden.safetensors"))
		for _, ext := range []string{"", ".gguf"} {
			base := tinyPath(baseOf(a), ext)
			if _, err := os.Stat(base); err != nil {
				continue
			}
			folder := filepath.Join(t.TempDir(), name+ext)
			if err := check(t, loaded(t, base), a).ExportFolder(folder, adapters.ExportOptions{Path: base}); err != nil {
				t.Fatal(err)
			}
			questions, goldens = append(questions, question{Path: folder, IDs: golden.IDs(t, "ids")}), append(goldens, golden)
		}
	}
	worst := 0.0
	for i, r := range transformers(t, questions) {
		worst = max(worst, reftest.Compare(t, filepath.Base(questions[i].Path), r.Logits, goldens[i].Tensor(t, "logits"), 2e-5))
	}
	t.Logf("%d models, logits within %.2g", len(questions), worst)
}

// realBase is the default model with an adapter on q, k, v and o that changes what
// it says.
func realBase(t *testing.T) (path string, tok *tokenizer.Tokenizer, b *adapters.Bound) {
	t.Helper()
	path = hubtest.Model(t, hub.Default)
	m := loaded(t, path)
	g, err := weights.OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	if tok, err = tokenizer.FromGGUF(g.Meta); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return path, tok, check(t, m, adapterstest.Random(t, m, 16, []string{"q_proj", "k_proj", "v_proj", "o_proj"}, 7, 0.05))
}

const prompt = "<|im_start|>user\nName three rivers of Europe, and a town on each.<|im_end|>\n<|im_start|>assistant\n"

// greedy writes n tokens after ids, and gives the logits before each.
func greedy(t testing.TB, m *model.Model, ids []int32, n int) (tokens []int32, rows [][]float32) {
	t.Helper()
	spec := m.CacheSpec(kernel.F32, 32, 16)
	cache, err := model.NewCache(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	pool := kernel.NewPool(2)
	defer pool.Close()
	ops := model.NewServeOps(pool, cache)
	ops.Exact = true
	b := &model.Batch{IDs: ids, Logits: []int32{int32(len(ids) - 1)}, Segs: []model.Segment{{Len: len(ids), Limit: 512}}}
	for i := range 16 {
		b.Segs[0].Blocks = append(b.Segs[0].Blocks, int32(i))
	}
	for range n {
		row := slices.Clone(m.Forward(ops, b).Data)
		best := int32(0)
		for i, v := range row {
			if v > row[best] {
				best = int32(i)
			}
		}
		tokens, rows = append(tokens, best), append(rows, row)
		s := &b.Segs[0]
		s.Past, s.Len = s.Past+s.Len, 1
		b.IDs, b.Logits = []int32{best}, []int32{0}
	}
	return tokens, rows
}

// TestTransformersReal: the default model with an adapter, merged into a folder, is
// the same model to transformers, and its tokenizer and template are the same.
func TestTransformersReal(t *testing.T) {
	needPython(t)
	path, tok, b := realBase(t)
	folder := filepath.Join(t.TempDir(), "merged")
	if err := b.ExportFolder(folder, adapters.ExportOptions{Path: path, Type: kernel.F16}); err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(prompt, tokenizer.EncodeOptions{ParseSpecial: true})
	texts := []string{prompt, "Ünïcödé 12345 <|im_end|>\n\n  x", "日本語、\ttabs and  spaces  "}
	r := transformers(t, []question{{
		Path: folder, IDs: ids, Greedy: 12, Texts: texts, Messages: []map[string]string{{"role": "user", "content": "Hi"}},
	}})[0]
	tokens, rows := greedy(t, loaded(t, folder), ids, 12)
	if !slices.Equal(tokens, r.Tokens) {
		t.Errorf("transformers writes %v, graft %v", r.Tokens, tokens)
	}
	last := r.Logits[len(r.Logits)-len(rows[0]):]
	d := distance(last, rows[0])
	if d > 2e-3 {
		t.Errorf("logits are %.2g apart", d)
	}
	base, _ := greedy(t, loaded(t, path), ids, 12)
	if slices.Equal(base, tokens) {
		t.Error("the base writes the same: the test shows nothing")
	}
	t.Logf("12 greedy tokens equal, logits within %.2g: %q", d, tok.Decode(tokens, true))
	for i, text := range texts {
		if want := tok.Encode(text, tokenizer.EncodeOptions{ParseSpecial: true}); !slices.Equal(r.Encoded[i], want) {
			t.Errorf("%q: transformers encodes %v, graft %v", text, r.Encoded[i], want)
		}
	}
	if !strings.Contains(r.Rendered, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n") {
		t.Errorf("rendered %q", r.Rendered)
	}
}

// logprob of a token.
func logprob(row []float32, id int32) float64 {
	return float64(row[id]) - kernel.LogSumExp(row)
}

// meanDifference of log-probabilities.
func meanDifference(a, b []float64) (mean, worst float64) {
	for i := range a {
		d := math.Abs(a[i] - b[i])
		mean, worst = mean+d/float64(len(a)), max(worst, d)
	}
	return mean, worst
}
