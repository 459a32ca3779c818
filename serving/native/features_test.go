package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"graft/internal/chat"
	"graft/serving"
)

// BestOf returns those of the answers whose tokens are most probable, in order.
func TestBestOf(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	seed := int64(5)
	req := greedy("tiny")
	req.Prompt, req.MaxTokens, req.N, req.Logprobs = "The sea", 12, 5, 0
	req.Sampling = serving.Sampling{Temperature: 1.5, TopP: 1, RepetitionPenalty: 1, Seed: &seed}
	all := mustGenerate(t, b, req)
	mean := func(tokens []serving.TokenLogprob) float64 {
		sum := 0.0
		for _, tok := range tokens {
			sum += tok.Logprob
		}
		return sum / float64(len(tokens))
	}
	order := []int{0, 1, 2, 3, 4}
	slices.SortFunc(order, func(i, j int) int {
		if mean(all.tokens[i]) > mean(all.tokens[j]) {
			return -1
		}
		return 1
	})
	req.N, req.BestOf, req.Logprobs, req.Echo = 2, 5, -1, true
	best := mustGenerate(t, b, req)
	for i := range 2 {
		if want := "The sea" + all.text[order[i]]; best.text[i] != want {
			t.Errorf("place %d is %q, want %q of %q", i, best.text[i], want, all.text)
		}
	}
	if best.Usage.Completion != all.Usage.Completion {
		t.Errorf("%d tokens are counted, want all %d that were computed", best.Usage.Completion, all.Usage.Completion)
	}
}

// What one owner asked is found by another in whole blocks alone, and to the token by the same owner.
func TestOwnersShareFullBlocks(t *testing.T) {
	o := tinyOptions(t)
	o.BlockTokens = 16
	b := newBackend(t, o)
	cached := func(owner string) (int, int) {
		req := greedy("tiny")
		req.Prompt, req.MaxTokens, req.Owner = strings.Repeat("The sea. ", 9), 1, owner
		u := mustGenerate(t, b, req).Usage
		return u.Cached, u.Prompt
	}
	for i, owner := range []string{"a", "a", "b", "b", "", ""} {
		got, prompt := cached(owner)
		want := (prompt - 1) / o.BlockTokens * o.BlockTokens
		if want == 0 || want == prompt-1 {
			t.Fatalf("a prompt of %d tokens shows nothing", prompt)
		}
		switch {
		case i == 0:
			want = 0
		case i%2 > 0:
			want = prompt - 1
		}
		if got != want {
			t.Errorf("request %d, of %q: %d of %d tokens found, want %d", i, owner, got, prompt, want)
		}
	}
}

// Whatever the model would say: the answer follows the schema, at any temperature.
func TestSchemaAlwaysValid(t *testing.T) {
	schema := `{"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":0,"maximum":150},"tags":{"type":"array","items":{"enum":["a","b",null,3]},"maxItems":3}},"required":["name","age","tags"],"additionalProperties":false}`
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	valid, err := compiler.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	b := newBackend(t, tinyOptions(t))
	var wg sync.WaitGroup
	for seed := range int64(20) {
		wg.Go(func() {
			req := greedy("tiny")
			req.Messages = []chat.Message{chat.Text("user", "Name a colour.")}
			req.Sampling = serving.Sampling{Temperature: 1.5, TopP: 1, RepetitionPenalty: 1, Seed: &seed}
			req.Format = serving.Format{Type: "json_schema", Schema: json.RawMessage(schema)}
			c, err := generate(t, b, req)
			if err != nil {
				t.Error(err)
				return
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(c.text[0]))
			if err == nil {
				err = valid.Validate(v)
			}
			if err != nil || c.finish[0] != serving.FinishStop {
				t.Errorf("seed %d: %q, finish %s: %v", seed, c.text[0], c.finish[0], err)
			}
		})
	}
	wg.Wait()
}

// An empty stop string stops nothing.
func TestEmptyStop(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	req := greedy("tiny")
	req.Prompt, req.MaxTokens, req.Stop = "The sea", 5, []string{""}
	if c := mustGenerate(t, b, req); c.finish[0] != serving.FinishLength || c.Usage.Completion != 5 {
		t.Errorf("%q, finish %s", c.text[0], c.finish[0])
	}
}

// What a constraint cannot do is refused with the field's name.
func TestConstraintErrors(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	tool := chat.Tool{Name: "f", Parameters: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string","format":"no-such"},"b":{"not":{"type":"string"}}}}`), Raw: json.RawMessage(`{}`)}
	for _, c := range []struct {
		name   string
		change func(*serving.Request)
		param  string
	}{
		{"keyword", func(r *serving.Request) {
			r.Format = serving.Format{Type: "json_schema", Schema: json.RawMessage(`{"not":{"type":"string"}}`)}
		}, "response_format"},
		{"regex", func(r *serving.Request) { r.Format = serving.Format{Type: "regex", Regex: "(a"} }, "response_format"},
		{"format", func(r *serving.Request) { r.Format = serving.Format{Type: "yaml"} }, "response_format"},
		{"too ambiguous at the beginning", func(r *serving.Request) {
			r.Format = serving.Format{Type: "regex", Regex: "(.?){1000}"}
		}, "response_format"},
		{"too ambiguous later", func(r *serving.Request) {
			r.Format = serving.Format{Type: "regex", Regex: "x{64}(.?){1000}"}
		}, "response_format"},
		{"tool", func(r *serving.Request) {
			r.Tools, r.ToolChoice.Mode = []chat.Tool{tool}, "required"
		}, "tools"},
		{"bias", func(r *serving.Request) { r.Sampling.LogitBias = map[int32]float32{480: 1} }, "logit_bias"},
		{"temperature", func(r *serving.Request) { r.Sampling.Temperature = -1 }, "temperature"},
		{"best_of", func(r *serving.Request) { r.N, r.BestOf = 3, 2 }, "best_of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := greedy("tiny")
			req.Messages = []chat.Message{chat.Text("user", "hello")}
			c.change(req)
			_, err := generate(t, b, req)
			var p *serving.ParamError
			if !errors.As(err, &p) || p.Param != c.param {
				t.Errorf("%v (%+v), want an error about %s", err, p, c.param)
			}
		})
	}
}

// Many streams of a real backend, most of which are cut off at random: no
// goroutine and no block stays.
func TestBackendLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	o := tinyOptions(t)
	o.CacheBytes = 1 << 20
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 3))
			for range 4 {
				req := greedy("tiny")
				req.Client = string(rune('a' + i%5))
				req.Messages = []chat.Message{chat.Text("user", strings.Repeat("one two three ", rnd.IntN(30)))}
				req.MaxTokens, req.N, req.IgnoreEOS = 1+rnd.IntN(60), 1+rnd.IntN(2), true
				req.Sampling = serving.DefaultSampling()
				ctx, cancel := context.WithCancel(t.Context())
				left := rnd.IntN(40)
				_, err := b.Generate(ctx, req, func(serving.Event) error {
					if left--; left == 0 {
						cancel()
					}
					return nil
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	waitFor(t, "all to end", func() bool {
		s := b.Stats()[0]
		return s.Running == 0 && s.Waiting == 0 && s.BlocksUsed == 0
	})
	b.Close(t.Context())
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := generate(t, b, greedy("tiny")); !errors.Is(err, serving.ErrDraining) {
		t.Errorf("after Close: %v, want %v", err, serving.ErrDraining)
	}
}

// A broken model file is an error that names the model; others are served.
func TestBackendBrokenModel(t *testing.T) {
	o := tinyOptions(t)
	o.Models = append(o.Models, Source{Info: serving.Model{ID: "broken"}, Open: at(t.TempDir())})
	b := newBackend(t, o)
	req := greedy("broken")
	req.Prompt = "a"
	if _, err := generate(t, b, req); err == nil || !strings.Contains(err.Error(), `model "broken"`) {
		t.Errorf("%v", err)
	}
	req.Model, req.MaxTokens = "tiny", 1
	mustGenerate(t, b, req)
}

// The fingerprint changes with the weights and with what changes numbers.
func TestFingerprint(t *testing.T) {
	fp := func(change func(*Options)) string {
		o := tinyOptions(t)
		change(&o)
		b := newBackend(t, o)
		req := greedy(o.Models[0].Info.ID)
		req.Prompt, req.MaxTokens = "a", 1
		return mustGenerate(t, b, req).Fingerprint
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*Options){
		"as it is": func(*Options) {},
		"f16":      func(o *Options) { o.CacheType = 1 },
		"8 bits":   func(o *Options) { o.Exact = false },
		"digest":   func(o *Options) { o.Models[0].Info.Digest = "abc" },
	} {
		f := fp(change)
		if !strings.HasPrefix(f, "fp_") || seen[f] != "" {
			t.Errorf("%s has %q, as has %q", name, f, seen[f])
		}
		seen[f] = name
	}
	if a, b := fp(func(*Options) {}), fp(func(o *Options) { o.StepTokens = 3; o.NoCache = true }); a != b {
		t.Errorf("%s and %s, but chunks and prefix cache change nothing", a, b)
	}
}

// Tools are called in the model's own way when it decides to: the constraint
// starts only where a format asks for it.
func TestToolsAutoWithFormat(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	raw := json.RawMessage(`{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":9}},"required":["a"],"additionalProperties":false}}}`)
	var def struct {
		Function struct{ Parameters json.RawMessage }
	}
	if err := json.Unmarshal(raw, &def); err != nil {
		t.Fatal(err)
	}
	calls, choices := 0, 0
	for seed := range int64(30) {
		req := greedy("tiny")
		req.Messages = []chat.Message{chat.Text("user", "hello")}
		req.Tools = []chat.Tool{{Name: "f", Parameters: def.Function.Parameters, Raw: raw}}
		req.Format = serving.Format{Type: "choice", Choice: []string{"yes", "no"}}
		req.Sampling = serving.Sampling{Temperature: 3, TopP: 1, RepetitionPenalty: 1, Seed: &seed}
		req.MaxTokens = 200
		req.ParallelTools = false
		c := mustGenerate(t, b, req)
		switch {
		case c.finish[0] == serving.FinishToolCalls:
			var args bytes.Buffer
			for _, d := range c.calls {
				args.WriteString(d.Arguments)
			}
			if !json.Valid(args.Bytes()) || c.calls[0].Name != "f" || c.text[0] != "" {
				t.Errorf("seed %d: call %+v, text %q", seed, c.calls, c.text[0])
			}
			calls++
		case c.text[0] == "yes" || c.text[0] == "no":
			choices++
		default:
			t.Errorf("seed %d: %q, finish %s", seed, c.text[0], c.finish[0])
		}
	}
	if calls == 0 || choices == 0 {
		t.Errorf("%d calls and %d choices: one kind never came", calls, choices)
	}
}

// A deadline that passes while the model loads or computes ends the request.
func TestBackendDeadlineWhileLoading(t *testing.T) {
	o := tinyOptions(t)
	gate := make(chan struct{})
	o.Models[0].Open = func(context.Context) (string, error) { <-gate; return "testdata/tiny", nil }
	b := newBackend(t, o)
	req := greedy("tiny")
	req.Prompt, req.Deadline = "a", time.Now().Add(20*time.Millisecond)
	if _, err := generate(t, b, req); !errors.Is(err, serving.ErrDeadline) {
		t.Errorf("%v, want %v", err, serving.ErrDeadline)
	}
	close(gate)
}
