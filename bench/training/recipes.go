package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"graft/bench/harness"
)

// variants are the recipes, and each with a rate of 1e-3: whether the rate makes the
// difference, or what is adapted.
var variants = []struct {
	name     string
	settings map[string]any
}{
	{"classic", map[string]any{"recipe": "classic"}},
	{"auto", map[string]any{"recipe": "auto"}},
	{"auto-rate", map[string]any{"recipe": "auto", "learning_rate": 1e-3}},
	{"classic-rate", map[string]any{"recipe": "classic", "learning_rate": 1e-3}},
}

// recipes runs whole jobs of the fine-tuning API. All choose their best checkpoint by
// the dev rows, and answer the gold rows.
func (b *bench) recipes(ctx context.Context) error {
	for _, v := range variants {
		if len(b.variants) > 0 && !slices.Contains(b.variants, v.name) {
			continue
		}
		if err := b.each("recipe-"+v.name, func(task string, seed int, result string) error {
			t, err := b.recipe(ctx, task, seed, v.settings)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			t.Recipe, t.Rows = v.name, b.rows
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
	t.Gold, t.Base, t.Score = len(g.Prompts), scores[0], scores[1]
	return t, nil
}
