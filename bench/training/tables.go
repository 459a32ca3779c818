package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"graft/bench/harness"
)

// tables are the parts of a document that are made of results.
var tables = []struct {
	name string
	make func(*bench) (string, error)
}{
	{"curves", (*bench).curvesTable},
	{"cost", (*bench).costTable},
	{"score", (*bench).scoreTable},
	{"recipes", (*bench).recipesTable},
	{"job", (*bench).jobTable},
	{"yield", (*bench).yieldTable},
}

// write puts every table between its marks, "<!-- table NAME -->" and "<!-- end -->".
func (b *bench) write(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, t := range tables {
		begin := fmt.Appendf(nil, "<!-- table %s -->\n", t.name)
		before, rest, ok := bytes.Cut(text, begin)
		_, after, ended := bytes.Cut(rest, []byte("<!-- end -->"))
		if !ok || !ended {
			return fmt.Errorf("%s has no %q with an <!-- end --> after it", path, bytes.TrimSpace(begin))
		}
		body, err := t.make(b)
		if err != nil {
			return err
		}
		text = slices.Concat(before, begin, []byte(body), []byte("<!-- end -->"), after)
	}
	return os.WriteFile(path, text, 0o644)
}

// read calls f with the task and seed of every result of a kind, of any number of rows.
func read[T any](b *bench, kind string, f func(task, seed string, v *T)) error {
	names, err := filepath.Glob(filepath.Join(b.dir, "results", kind+"*.json"))
	if err != nil {
		return err
	}
	for _, name := range names {
		var v T
		if err := readJSON(name, &v); err != nil {
			return err
		}
		parts := strings.Split(strings.TrimSuffix(filepath.Base(name), ".json"), "-")
		if n := len(parts); n > 2 {
			f(parts[n-2], parts[n-1], &v)
		}
	}
	return nil
}

// table is Markdown, or a line that says that nothing was measured.
func table(head string, rows []string) string {
	if len(rows) == 0 {
		return "Not measured yet.\n"
	}
	line := strings.Repeat("|---", strings.Count(head, "|")-1) + "|"
	return strings.Join(append([]string{head, line}, rows...), "\n") + "\n"
}

func (b *bench) curvesTable() (string, error) {
	var rows []string
	err := read(b, "curve", func(task, seed string, c *curve) {
		n := len(c.Graft.Loss)
		worst := 0.0
		for i := range n {
			worst = max(worst, math.Abs(c.Graft.Loss[i]-c.PEFT.Loss[i])/c.PEFT.Loss[i])
		}
		picked := []int{0, 1, n / 4, n / 2, 3 * n / 4, n - 1}
		slices.Sort(picked)
		for _, i := range slices.Compact(picked) {
			rows = append(rows, fmt.Sprintf("| %s | %d | %s | %d | %.6f | %.6f | %.4f | %.4f |", task, c.Rows, seed, i+1, c.Graft.Loss[i], c.PEFT.Loss[i], c.Graft.GradNorm[i], c.PEFT.GradNorm[i]))
		}
		rows = append(rows, fmt.Sprintf("| %s | %d | %s | largest relative difference of %d steps | %.1e | | | |", task, c.Rows, seed, n, worst))
	})
	return table("| task | rows | seed | step | loss, graft | loss, PEFT | gradient norm, graft | gradient norm, PEFT |", rows), err
}

func (b *bench) costTable() (string, error) {
	var rows []string
	err := read(b, "curve", func(task, seed string, c *curve) {
		for i, t := range []trained{c.Graft, c.PEFT} {
			name := []string{"graft", "PEFT (" + c.PEFT.Made + ")"}[i]
			rows = append(rows, fmt.Sprintf("| %s | %d | %s | %s | %d | %.0f | %.0f | %.0f | %.0f |", task, c.Rows, seed, name, c.Threads, t.CPU, float64(c.Tokens)/t.CPU, t.Wall, float64(t.Peak)/1e6))
		}
		rows = append(rows, fmt.Sprintf("| %s | %d | %s | graft / PEFT | | %.2f | %.2f | %.2f | %.2f |", task, c.Rows, seed, c.Graft.CPU/c.PEFT.CPU, c.PEFT.CPU/c.Graft.CPU, c.Graft.Wall/c.PEFT.Wall, float64(c.Graft.Peak)/float64(c.PEFT.Peak)))
	})
	return table("| task | rows | seed | trainer | threads | CPU s | tokens per CPU s | wall s | peak MB |", rows), err
}

func (b *bench) scoreTable() (string, error) {
	var rows []string
	points := map[string][]float64{}
	err := read(b, "score", func(task, seed string, s *scored) {
		points[task] = append(points[task], 100*(s.Graft-s.PEFT))
		rows = append(rows, fmt.Sprintf("| %s | %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f %% | %.0f %% |", task, seed, s.Gold,
			100*s.Base, 100*s.Graft, 100*s.PEFT, 100*(s.Graft-s.PEFT), 100*s.Served, 100*s.Same, 100*s.Agree))
	})
	for _, task := range []string{"sections", "synopsis"} {
		if p := points[task]; len(p) > 1 {
			rows = append(rows, fmt.Sprintf("| %s | mean of %d | | | | | %.1f | | | |", task, len(p), mean(p)))
		}
	}
	return table("| task | seed | gold rows | base | graft | PEFT | graft − PEFT | PEFT's adapter on graft | …same answers as on PEFT | graft's adapter: same answers |", rows), err
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func (b *bench) recipesTable() (string, error) {
	var rows []string
	err := read(b, "recipe-", func(task, seed string, t *tuned) {
		chosen := map[string]any{}
		for _, c := range t.Choices {
			chosen[c.Name] = c.Value
		}
		rows = append(rows, fmt.Sprintf("| %s | %d × %v | %s | %s | %v | %v | %d | %.3f | %.3f | %d | %.1f | %.1f | %.0f |", task, t.Rows, chosen["n_epochs"], t.Recipe, seed,
			chosen["learning_rate"], chosen["batch_size"], t.Parameters, t.Validation["0"], t.Best, t.Gold, 100*t.Base, 100*t.Score, t.CPU))
	})
	slices.Sort(rows)
	return table("| task | rows × epochs | recipe | seed | rate | batch | parameters | validation loss, base | …best | gold rows | gold, base | gold | CPU s |", rows), err
}

func (b *bench) jobTable() (string, error) {
	var rows []string
	err := read(b, "job", func(task, seed string, t *tuned) {
		rows = append(rows, fmt.Sprintf("| %d | %d | %.0f | %.0f | %.0f | %.0f |", t.Tokens, t.Steps, t.Planned, t.Wall, t.CPU, float64(t.Peak)/1e6))
	})
	return table("| tokens | steps | announced s | wall s | CPU s | peak MB of the server |", rows), err
}

func (b *bench) yieldTable() (string, error) {
	var rows []string
	err := read(b, "yield", func(_, _ string, y *yielded) {
		rows = append(rows, fmt.Sprintf("| %v | %.2f | %.2f | %.2f | %.2f | %.2f |", y.Yield, harness.Median(y.Alone), harness.Median(y.Beside), harness.MedianRatio(y.Beside, y.Alone), y.Free, y.Pressed))
	})
	return table("| training.yield | request, job paused, s | request, job running, s | ratio, median of pairs | steps/s without requests | steps/s beside requests |", rows), err
}
