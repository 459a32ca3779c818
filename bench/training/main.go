// Command training measures graft's trainer: against PyTorch and PEFT step for step and
// by what the adapters answer, recipe against recipe, and what serving loses meanwhile.
// The rows are those of bench/debian. Every result is kept in -dir, and a case that has
// its result is not run again: an interrupted run goes on with the same command.
//
//	go run ./bench/debian -out DATA -train 1000 -gold 300 -words 45
//	go run ./bench/training -data DATA -python PYTHON [-seeds 3] [-rows 500] [peft score recipes job yield]
//	go run ./bench/training -doc docs/training.md     # writes the tables there, runs nothing
//
// PYTHON is one with torch, transformers, peft, gguf and rouge_score. Everything is below
// -dir, whose result files hold no texts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"graft/bench/harness"
)

// bench is one run.
type bench struct {
	dir     string // of results and what they were made with
	data    string // folder of bench/debian
	python  string
	program string // graft
	model   string // path
	seeds   int
	rows    int // to train on
	gold    int // to measure with
	dev     int // to validate with
	batch   int // rows of a step, for PEFT and graft alike
	threads int // of each program
	epochs  int // of the recipes; 0: what they choose
	tasks   []string

	variants []string // of the recipes; none: all
}

var cases = map[string]func(*bench, context.Context) error{
	"peft":    (*bench).peft,
	"score":   (*bench).score,
	"recipes": (*bench).recipes,
	"job":     (*bench).job,
	"yield":   (*bench).yield,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "training:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	flag.StringVar(&b.dir, "dir", filepath.Join(cache, "graft-training"), "folder of results")
	flag.StringVar(&b.data, "data", filepath.Join(cache, "graft-debian"), "folder that bench/debian wrote")
	flag.StringVar(&b.python, "python", "python3", "with torch, transformers, peft, gguf, rouge_score")
	flag.IntVar(&b.seeds, "seeds", 3, "seeds of each comparison")
	flag.IntVar(&b.rows, "rows", 500, "rows to train on")
	flag.IntVar(&b.gold, "gold", 300, "rows to measure with")
	flag.IntVar(&b.dev, "dev", 100, "rows to validate the recipes with")
	flag.IntVar(&b.batch, "batch", 8, "rows of a step, against PEFT")
	flag.IntVar(&b.threads, "threads", runtime.NumCPU(), "threads of each program")
	flag.IntVar(&b.epochs, "epochs", 0, "epochs of the recipes (default: what they choose)")
	tasks := flag.String("tasks", "sections,synopsis", "tasks of bench/debian")
	variants := flag.String("recipes", "", "of classic, auto, auto-rate, classic-rate (default all)")
	id := flag.String("model", "smollm2-135m-instruct", "base")
	doc := flag.String("doc", "", "write the tables into this FILE, between its marks")
	flag.Parse()
	b.tasks = strings.Split(*tasks, ",")
	if *variants != "" {
		b.variants = strings.Split(*variants, ",")
	}
	if *doc != "" {
		return b.write(*doc)
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "results"), 0o755); err != nil {
		return err
	}
	if b.program, err = harness.Build(ctx, b.dir); err != nil {
		return err
	}
	if b.model, err = harness.Model(ctx, *id); err != nil {
		return err
	}
	names := flag.Args()
	if len(names) == 0 {
		names = []string{"peft", "score", "recipes", "job", "yield"}
	}
	for _, name := range names {
		f, ok := cases[name]
		if !ok {
			return fmt.Errorf("there is no case %q", name)
		}
		if err := f(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// each runs f for every task and seed, first seeds first, unless its result is there.
// Runs of other numbers of rows have results of their own.
func (b *bench) each(kind string, f func(task string, seed int, result string) error) error {
	for seed := 1; seed <= b.seeds; seed++ {
		for _, task := range b.tasks {
			result := b.result(fmt.Sprintf("%s.%d", kind, b.rows), task, seed)
			if _, err := os.Stat(result); err == nil {
				continue
			}
			if err := f(task, seed, result); err != nil {
				return fmt.Errorf("%s, seed %d: %w", task, seed, err)
			}
		}
	}
	return nil
}

func (b *bench) result(kind, task string, seed int) string {
	return filepath.Join(b.dir, "results", fmt.Sprintf("%s-%s-%d.json", kind, task, seed))
}
