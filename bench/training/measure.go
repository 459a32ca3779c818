package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"

	"graft/bench/harness"
)

// answers are those of one adapter to the gold rows.
type answers struct {
	Got  []any `json:"got"`
	Want []any `json:"want"`
}

// scored is what the adapters of one task and seed answer to the gold rows.
type scored struct {
	Gold  int     `json:"gold"`
	Base  float64 `json:"base"` // graft without an adapter
	Graft float64 `json:"graft"`
	PEFT  float64 `json:"peft"` // answered by PEFT
	// PEFT's adapter served by graft, the share of its answers that are PEFT's own, and
	// the share of equal answers of graft's adapter, served by graft, and PEFT's.
	Served float64 `json:"peft_served_by_graft"`
	Same   float64 `json:"served_same"`
	Agree  float64 `json:"graft_same"`
}

// score lets what both trainers made answer the gold rows.
func (b *bench) score(ctx context.Context) error {
	return b.each("score", func(task string, seed int, result string) error {
		dir := b.folder(task, seed)
		at := func(name string) string { return filepath.Join(dir, name) }
		if _, err := os.Stat(at("peft-answers.json")); err != nil {
			if _, err := b.script(ctx, dir, "answer", "--adapter", at("peft"), "--out", at("peft-answers.json")); err != nil {
				return err
			}
		}
		s, err := harness.StartGraft(ctx, b.program, dir, b.model, "--set", "adapters.roots="+dir, "--set", fmt.Sprintf("engine.threads=%d", b.threads))
		if err != nil {
			return err
		}
		defer s.Stop()
		var g gold
		if err := readJSON(at("gold.json"), &g); err != nil {
			return err
		}
		for name, model := range map[string]string{"base": "base", "graft": "graft", "served": "peft"} {
			if model != "base" {
				if _, err := harness.Call(ctx, http.MethodPost, s.URL+"/v1/load_lora_adapter", harness.Body{"lora_name": model, "lora_path": at(model)}, nil); err != nil {
					return err
				}
			}
			got, err := b.answer(ctx, s, model, &g)
			if err != nil {
				return err
			}
			if err := writeJSON(at(name+"-answers.json"), got); err != nil {
				return err
			}
		}
		list, err := b.scores(ctx, dir, task, at("base-answers.json"), at("graft-answers.json"), at("served-answers.json"), at("peft-answers.json"))
		if err != nil {
			return err
		}
		c := scored{Gold: len(g.Prompts), Base: list[0], Graft: list[1], Served: list[2], PEFT: list[3]}
		if c.Same, err = same(at("served-answers.json"), at("peft-answers.json")); err != nil {
			return err
		}
		if c.Agree, err = same(at("graft-answers.json"), at("peft-answers.json")); err != nil {
			return err
		}
		return writeJSON(result, c)
	})
}

// answer asks for the likeliest of the choices, or for a text of up to 24 tokens, with
// the very tokens of the prompt.
func (b *bench) answer(ctx context.Context, s *harness.Server, model string, g *gold) (*answers, error) {
	tok, err := b.tokenizer()
	if err != nil {
		return nil, err
	}
	body := harness.Body{"model": model, "temperature": 0, "max_tokens": 24}
	tokens := map[string]int32{}
	if len(g.Choices) > 0 {
		bias := map[string]int{}
		for _, t := range g.Choices {
			bias[strconv.Itoa(int(t))] = 100
			tokens[tok.Text(t)] = t
		}
		body = body.With(harness.Body{"max_tokens": 1, "logit_bias": bias})
	}
	out := &answers{Got: make([]any, len(g.Prompts)), Want: g.Answers}
	errs := make([]error, len(g.Prompts))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				var a struct{ Choices []struct{ Text string } }
				if _, errs[i] = harness.Call(ctx, http.MethodPost, s.URL+"/v1/completions", body.With(harness.Body{"prompt": g.Prompts[i]}), &a); errs[i] != nil || len(a.Choices) == 0 {
					continue
				}
				out.Got[i] = a.Choices[0].Text
				if len(g.Choices) > 0 {
					t, ok := tokens[a.Choices[0].Text]
					if !ok {
						errs[i] = fmt.Errorf("the answer %q is none of the choices", a.Choices[0].Text)
					}
					out.Got[i] = float64(t)
				}
			}
		})
	}
	for i := range g.Prompts {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("gold row %d: %w", i+1, err)
		}
	}
	return out, nil
}

// scores are the share of right answers, or the mean ROUGE-L, of files of answers.
func (b *bench) scores(ctx context.Context, dir, task string, files ...string) (out []float64, err error) {
	if task != "sections" {
		text, err := b.script(ctx, dir, append([]string{"rouge", "--answers"}, files...)...)
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		return out, err
	}
	for _, file := range files {
		var a answers
		if err := readJSON(file, &a); err != nil {
			return nil, err
		}
		out = append(out, equal(a.Got, a.Want))
	}
	return out, nil
}

// same is the share of equal answers in two files.
func same(a, b string) (float64, error) {
	var x, y answers
	if err := readJSON(a, &x); err != nil {
		return 0, err
	}
	if err := readJSON(b, &y); err != nil {
		return 0, err
	}
	return equal(x.Got, y.Got), nil
}

func equal(a, b []any) float64 {
	n := 0
	for i := range a {
		if i < len(b) && reflect.DeepEqual(a[i], b[i]) {
			n++
		}
	}
	return float64(n) / float64(len(a))
}
