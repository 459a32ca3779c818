package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"graft/adapters"
	"graft/evalharness/forgetting"
	"graft/internal/hub/hubtest"
	"graft/internal/model"
	"graft/serving"
	"graft/serving/native"
	"graft/serving/openai"
)

// lm-evaluation-harness scores the suite of general knowledge through the server, for
// the base and for an adapter, exactly as graft's own suite does in its own process:
// the log-probability of every choice, acc, acc_norm and acc_bytes of every item and of
// all together. Graft's suite over HTTP, as `graft eval` runs it, agrees too.
func TestLMEval(t *testing.T) {
	python := os.Getenv("GRAFT_TEST_LM_EVAL")
	if python == "" {
		t.Skip("GRAFT_TEST_LM_EVAL names no Python with the package lm_eval[api]")
	}
	root := t.TempDir()
	folder := filepath.Join(root, "other")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	writeAdapter(t, folder, 5)
	t.Setenv("GRAFT_ADAPTERS_ROOTS", root)
	s := start(t)
	s.load(t, "other", folder)
	own := newOwn(t, folder)

	all := forgetting.Items()
	var some []forgetting.Item // for the adapter: enough of each subject
	for i := 0; i < len(all); i += 3 {
		some = append(some, all[i])
	}
	base := map[string]float64{} // log-probabilities of the base, by sentence
	for _, c := range []struct {
		name  string
		items []forgetting.Item
		uses  []serving.AdapterUse
	}{{chatModel, all, nil}, {"other", some, []serving.AdapterUse{{Generation: "other", Weight: 1}}}} {
		t.Run(c.name, func(t *testing.T) {
			theirs := lmEval(t, python, s.url, c.name, c.items)
			ours := &forgetting.Model{Backend: using{own, c.uses}, Name: chatModel, Tokenize: tokens(own)}
			far := &forgetting.Model{Backend: openai.New(openai.Options{BaseURL: s.url + "/v1"}), Name: c.name, Tokenize: tokens(own)}
			var worst, worstFar float64
			var acc, norm, byBytes, moved int
			for i := range c.items {
				it := &c.items[i]
				got, err := ours.Score(t.Context(), it)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, it, &got, theirs.items[it.ID], &worst)
				acc, norm, byBytes = acc+count(got.Acc), norm+count(got.AccNorm), byBytes+count(got.AccByte)
				for k, choice := range got.Choices {
					sentence := it.Question + " " + it.Choices[k]
					if c.uses == nil {
						base[sentence] = choice.LogProb
					} else if math.Abs(base[sentence]-choice.LogProb) > .01 {
						moved++
					}
				}
				if i%10 == 0 {
					if got, err = far.Score(t.Context(), it); err != nil {
						t.Fatal(err)
					}
					compare(t, it, &got, theirs.items[it.ID], &worstFar)
				}
			}
			n := float64(len(c.items))
			for name, want := range map[string]float64{"acc": float64(acc) / n, "acc_norm": float64(norm) / n, "acc_bytes": float64(byBytes) / n} {
				if got := theirs.all[name]; math.Abs(got-want) > 1e-12 {
					t.Errorf("%s: lm-eval has %v, graft %v", name, got, want)
				}
			}
			// JSON carries float64 whole, and both add up from the left; Python from 3.12
			// on adds up with a compensation, which may change the last digits.
			if worst > 1e-12 {
				t.Errorf("log-probabilities differ by up to %.3g", worst)
			}
			if worstFar > 1e-5 { // the client's type is float32
				t.Errorf("over HTTP they differ by up to %.3g", worstFar)
			}
			if c.uses != nil && moved < len(c.items) {
				t.Errorf("the adapter moves only %d log-probabilities of %d items", moved, len(c.items))
			}
			t.Logf("%d items: acc %.4f, acc_norm %.4f, acc_bytes %.4f in both; log-probabilities within %.2g, over HTTP within %.2g",
				len(c.items), float64(acc)/n, float64(norm)/n, float64(byBytes)/n, worst, worstFar)
		})
	}
}

// load registers an adapter.
func (s *server) load(t *testing.T, name, folder string) {
	t.Helper()
	res, err := http.Post(s.url+"/v1/load_lora_adapter", "application/json", strings.NewReader(fmt.Sprintf(`{"lora_name":%q,"lora_path":%q}`, name, folder)))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", name, res.Status)
	}
}

// newOwn is the engine in this process, with the adapter of a folder.
func newOwn(t *testing.T, folder string) *native.Backend {
	t.Helper()
	path := hubtest.Model(t, chatModel)
	o := native.DefaultOptions()
	o.Models = []native.Source{{Info: serving.Model{ID: chatModel}, Open: func(context.Context) (string, error) { return path, nil }}}
	o.Adapters = fromFolder(folder)
	b, err := native.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

// fromFolder is a loader with one adapter, whatever the generation that is asked for.
type fromFolder string

func (fromFolder) AdapterBytes(context.Context, string) (int64, error) { return 16 << 20, nil }

func (f fromFolder) LoadAdapter(_ context.Context, _ string, m *model.Model, _ string) (*model.Adapter, error) {
	a, err := adapters.ReadPEFT(string(f), adapters.Limits{})
	if err != nil {
		return nil, err
	}
	b, err := adapters.NewBase(m).Fit(a)
	if err != nil {
		return nil, err
	}
	return b.Compile()
}

// using is a backend that answers all requests with some adapters.
type using struct {
	serving.Backend
	uses []serving.AdapterUse
}

func (u using) Generate(ctx context.Context, r *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	with := *r
	with.Adapters = u.uses
	return u.Backend.Generate(ctx, &with, emit)
}

func tokens(b *native.Backend) func(context.Context, string) ([]int32, error) {
	return func(ctx context.Context, text string) ([]int32, error) {
		got, err := b.Tokenize(ctx, &serving.TokenizeRequest{Model: chatModel, Prompt: text})
		if err != nil {
			return nil, err
		}
		return got.IDs, nil
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// scored is what lm-eval makes of items: of each by its id, and of all.
type scored struct {
	items map[string]*scoredItem
	all   map[string]float64 // by the name of the metric
}

type scoredItem struct {
	LogProbs []float64
	Acc      float64 `json:"acc"`
	AccNorm  float64 `json:"acc_norm"`
	AccBytes float64 `json:"acc_bytes"`
	Doc      struct {
		ID string `json:"id"`
	} `json:"doc"`
	Replies [][]string `json:"filtered_resps"` // of each choice its log-probability, and whether it is greedy
}

func compare(t *testing.T, it *forgetting.Item, ours *forgetting.Score, theirs *scoredItem, worst *float64) {
	t.Helper()
	if theirs == nil || len(theirs.LogProbs) != len(ours.Choices) {
		t.Fatalf("%s: lm-eval has %+v", it.ID, theirs)
	}
	for k, c := range ours.Choices {
		if d := math.Abs(c.LogProb - theirs.LogProbs[k]); !(d <= *worst) { // NaN is worse
			*worst = d
			if d > .001 {
				t.Errorf("%s, %q: %v, lm-eval has %v", it.ID, it.Choices[k], c.LogProb, theirs.LogProbs[k])
			}
		}
	}
	if float64(count(ours.Acc)) != theirs.Acc || float64(count(ours.AccNorm)) != theirs.AccNorm || float64(count(ours.AccByte)) != theirs.AccBytes {
		t.Errorf("%s: %v %v %v, lm-eval has %v %v %v", it.ID, ours.Acc, ours.AccNorm, ours.AccByte, theirs.Acc, theirs.AccNorm, theirs.AccBytes)
	}
}

// lmEval runs lm-evaluation-harness on items.
func lmEval(t *testing.T, python, url, name string, items []forgetting.Item) scored {
	t.Helper()
	tasks, err := filepath.Abs("lm_eval")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var lines bytes.Buffer
	for i := range items {
		if err := json.NewEncoder(&lines).Encode(&items[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "general.jsonl"), lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-m", "lm_eval", "run", "--model", "local-completions",
		"--model_args", "base_url="+url+"/v1/completions,model="+name+",num_concurrent=4", "--batch_size", "4",
		"--tasks", "graft_general", "--include_path", tasks, "--output_path", "out", "--log_samples")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HF_HOME="+filepath.Join(dir, "hf"), "HF_HUB_OFFLINE=1", "HF_DATASETS_OFFLINE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("lm_eval: %v\n%s", err, out)
	}
	return scored{items: samples(t, only(t, dir, "samples_*.jsonl")), all: results(t, only(t, dir, "results_*.json"))}
}

// only is the one file of a run with such a name.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "out", "*", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

func samples(t *testing.T, path string) map[string]*scoredItem {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*scoredItem{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		it := &scoredItem{}
		if err := json.Unmarshal(lines.Bytes(), it); err != nil {
			t.Fatal(err)
		}
		for _, reply := range it.Replies {
			v, err := strconv.ParseFloat(reply[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			it.LogProbs = append(it.LogProbs, v)
		}
		out[it.Doc.ID] = it
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

func results(t *testing.T, path string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Results struct {
			General map[string]any `json:"graft_general"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, v := range got.Results.General {
		if f, ok := v.(float64); ok {
			out[strings.TrimSuffix(name, ",none")] = f
		}
	}
	return out
}
