package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"graft/bench/harness"
)

// variants are the recipes, and each with a choice of the other: which choice makes the
// difference.
var variants = []struct {
	name     string
	settings map[string]any
}{
	{"classic", map[string]any{"recipe": "classic"}},
	{"auto", map[string]any{"recipe": "auto"}},
	{"classic-rate", map[string]any{"recipe": "classic", "learning_rate": 1e-3}},
	{"auto-attention", map[string]any{"recipe": "auto", "targets": []string{"q_proj", "k_proj", "v_proj", "o_proj"}}},
}

// recipes runs whole jobs of the fine-tuning API. All choose their best checkpoint by
// the dev rows, and answer the gold rows.
func (b *bench) recipes(ctx context.Context) error {
	for i, v := range variants {
		seeds := b.seeds
		if i > 1 {
			seeds = 1 // of what is only to explain
		}
		own := *b
		own.seeds = seeds
		if err := own.each("recipe-"+v.name, func(task string, seed int, result string) error {
			t, err := b.recipe(ctx, task, seed, v.settings)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			t.Recipe = v.name
			return writeJSON(result, t)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) recipe(ctx context.Context, task string, seed int, settings map[string]any) (*tuned, error) {
	dir, err := os.MkdirTemp(b.dir, "job-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := harness.StartGraft(ctx, b.program, dir, b.model, "--set", fmt.Sprintf("engine.threads=%d", b.threads))
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	train, err := upload(ctx, s, filepath.Join(b.data, task+"-train.jsonl"), b.rows)
	if err != nil {
		return nil, err
	}
	valid, err := upload(ctx, s, filepath.Join(b.data, task+"-dev.jsonl"), b.dev)
	if err != nil {
		return nil, err
	}
	t, err := tune(ctx, s, train, valid, seed, b.epochs, settings)
	if err != nil {
		return nil, err
	}
	g, err := b.goldRows(ctx, task)
	if err != nil {
		return nil, err
	}
	files := []string{filepath.Join(dir, "base-answers.json"), filepath.Join(dir, "tuned-answers.json")}
	for i, model := range []string{"base", t.Model} {
		got, err := b.answer(ctx, s, model, g)
		if err != nil {
			return nil, err
		}
		if err := writeJSON(files[i], got); err != nil {
			return nil, err
		}
	}
	scores, err := b.scores(ctx, dir, task, files...)
	if err != nil {
		return nil, err
	}
	t.Base, t.Score = scores[0], scores[1]
	return t, nil
}
