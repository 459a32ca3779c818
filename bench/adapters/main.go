// Command adapters measures what serving with adapters costs, on the default
// model with adapters of rank 16 on q, k, v and o. Without names it runs all cases.
//
//	go run ./bench/adapters [-llama DIR] [-rounds N] [-json] [mixed registered single cold swap many churn]
//
// DIR holds llama.cpp's llama-server; without it nothing is compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"graft/bench/harness"
)

// bench is one run.
type bench struct {
	*harness.Report
	dir     string // everything is below it and goes with it
	program string
	model   string // path
	llama   string // folder of the binaries; "": without
	rounds  int
	tokens  int // of an answer

	requests int  // of the churn case
	race     bool // the server runs under the race detector, and ends at the first race
}

// cases in the order of a whole run.
var cases = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"mixed", (*bench).mixed},
	{"registered", (*bench).registered},
	{"single", (*bench).single},
	{"cold", (*bench).cold},
	{"swap", (*bench).swap},
	{"many", (*bench).many},
	{"churn", (*bench).churn},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "adapters:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{Report: harness.NewReport(os.Stderr)}
	flag.StringVar(&b.llama, "llama", "", "folder with llama-server of llama.cpp")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds of each case")
	flag.IntVar(&b.tokens, "tokens", 64, "tokens of each answer")
	flag.IntVar(&b.requests, "requests", 10_000, "requests of the churn case")
	flag.BoolVar(&b.race, "race", false, "build the server with the race detector (needs a C compiler)")
	id := flag.String("model", "smollm2-135m-instruct", "model to serve")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	flag.Parse()
	names := flag.Args()
	for _, name := range names {
		if !slices.ContainsFunc(cases, func(c struct {
			name string
			run  func(*bench, context.Context) error
		}) bool {
			return c.name == name
		}) {
			return fmt.Errorf("there is no case %q", name)
		}
	}
	if b.dir, err = os.MkdirTemp("", "graft-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(ctx, *id); err != nil {
		return err
	}
	fmt.Fprintf(b.Log, "%s, %d threads, %s\n", b.CPU, b.Threads, *id)
	for _, c := range cases {
		if len(names) == 0 || slices.Contains(names, c.name) {
			if err := c.run(b, ctx); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if *asJSON {
		return b.JSON(os.Stdout)
	}
	if missed := b.Missed(); len(missed) > 0 {
		return errors.New("missed: " + strings.Join(missed, ", "))
	}
	return nil
}

// prepare builds graft and finds the model.
func (b *bench) prepare(ctx context.Context, id string) (err error) {
	var args []string
	if b.race {
		args = []string{"-race"}
		os.Setenv("GORACE", "halt_on_error=1")
	}
	if b.program, err = harness.Build(ctx, b.dir, args...); err != nil {
		return err
	}
	b.model, err = harness.Model(ctx, id)
	return err
}

// graft starts a server with a data folder of its own.
func (b *bench) graft(ctx context.Context, args ...string) (*harness.Server, error) {
	dir, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return nil, err
	}
	return harness.StartGraft(ctx, b.program, dir, b.model, append([]string{"--set", "adapters.roots=" + filepath.Join(b.dir, "adapters")}, args...)...)
}
