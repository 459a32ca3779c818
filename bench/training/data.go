package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"graft/internal/tokenizer"
	"graft/internal/weights"
	"graft/training"
	"graft/training/dataset"
)

// gold are the rows that adapters are measured with.
type gold struct {
	Prompts [][]int32 `json:"prompts"`
	Answers []any     `json:"answers"` // texts, or tokens of Choices
	Choices []int32   `json:"choices"` // the first token of each label; none: texts are written
}

// batch is one step of `graft train replay`.
type batch struct {
	IDs    [][]int32 `json:"ids"`
	Labels [][]int32 `json:"labels"`
	Mask   [][]int32 `json:"mask"`
}

func (b *bench) tokenizer() (*tokenizer.Tokenizer, error) {
	g, err := weights.OpenGGUF(b.model)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return tokenizer.FromGGUF(g.Meta)
}

// examples are the first rows of a file as graft trains them, and their answers.
func (b *bench) examples(ctx context.Context, path string, rows int) (list []training.Example, answers []string, err error) {
	tok, err := b.tokenizer()
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	set, err := dataset.Load(ctx, f, dataset.Options{File: path, Format: dataset.NewFormat(tok, dataset.FormatOptions{})})
	if err == nil {
		err = set.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	if len(set.Examples) < rows {
		return nil, nil, fmt.Errorf("%s has %d rows, %d are wanted: run bench/debian with more", path, len(set.Examples), rows)
	}
	for i, e := range set.Examples[:rows] {
		m := set.Rows[i].Messages
		list, answers = append(list, e), append(answers, dataset.Text(m[len(m)-1]))
	}
	return list, answers, nil
}

// prompt is what comes before the first token that is learnt.
func prompt(e training.Example) int {
	return slices.IndexFunc(e.Weights, func(w float32) bool { return w > 0 })
}

// goldRows reads the gold rows of a task. Sections are chosen by the first token of
// their name, as all of these differ.
func (b *bench) goldRows(ctx context.Context, task string) (*gold, error) {
	rows := b.gold
	if task != "sections" {
		rows /= 2 // texts take longer to write
	}
	list, answers, err := b.examples(ctx, filepath.Join(b.data, task+"-gold.jsonl"), rows)
	if err != nil {
		return nil, err
	}
	g := &gold{Choices: []int32{}}
	labels := map[string]bool{}
	for i, e := range list {
		at := prompt(e)
		g.Prompts = append(g.Prompts, e.IDs[:at])
		if task != "sections" {
			g.Answers = append(g.Answers, answers[i])
			continue
		}
		g.Answers = append(g.Answers, e.IDs[at])
		labels[answers[i]] = true
		if !slices.Contains(g.Choices, e.IDs[at]) {
			g.Choices = append(g.Choices, e.IDs[at])
		}
	}
	slices.Sort(g.Choices)
	if task == "sections" && len(g.Choices) != len(labels) {
		return nil, fmt.Errorf("%d labels begin with %d different tokens", len(labels), len(g.Choices))
	}
	return g, nil
}

// batches are the rows in an order drawn by seed, size at a time, padded on the right.
func batches(list []training.Example, size, epochs int, seed uint64) (out []batch) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range epochs {
		order := r.Perm(len(list))
		for rows := range slices.Chunk(order, size) {
			longest := 0
			for _, i := range rows {
				longest = max(longest, len(list[i].IDs))
			}
			var x batch
			for _, i := range rows {
				e := list[i]
				ids, labels, mask := make([]int32, longest), make([]int32, longest), make([]int32, longest)
				for k := range labels {
					labels[k] = -100
				}
				for k, id := range e.IDs {
					ids[k], mask[k] = id, 1
					if e.Weights[k] > 0 {
						labels[k] = id
					}
				}
				x.IDs, x.Labels, x.Mask = append(x.IDs, ids), append(x.Labels, labels), append(x.Mask, mask)
			}
			out = append(out, x)
		}
	}
	return out
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
