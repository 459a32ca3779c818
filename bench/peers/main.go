// Command peers measures graft and other programs on the same files, on this machine,
// in turns, and prints how they compare. Without names it runs all cases that it has
// the programs for.
//
//	go run ./bench/peers -llama DIR [-python PATH] [-large FILE] [-keep FILE] [-doc docs/performance.md] [decode prefill busy start streams train scale context long large qlora]
//
// DIR holds the programs of llama.cpp; PATH is a Python with torch, transformers and
// peft; -large FILE keeps the model of 7B from run to run, which is made when it is
// missing. -doc writes the table of the
// documentation, which is never typed; -keep has it written from several runs of some
// cases each, when the machine is not quiet for long enough.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"graft/bench/harness"
	"graft/internal/app/bench"
)

// peers is one run.
type peers struct {
	dir     string // everything is below it and goes with it
	program string // graft
	llama   string // folder of llama.cpp's programs
	python  string // "": no training
	large   string // file of a large model; "": none
	rounds  int
	threads int
	models  []modelFile
	rows    []row
	works   map[string]*bench.Work // by model file: what graft bench said of it
	log     io.Writer
}

// modelFile is a model, and the same model as llama.cpp quantises it anew.
type modelFile struct {
	name, path string
	requants   []modelFile
}

// cases in the order of a whole run. Those that are about models run for each.
var cases = []struct {
	name string
	run  func(*peers, context.Context) error
}{
	{"decode", (*peers).decode},
	{"prefill", (*peers).prefill},
	{"busy", (*peers).busy},
	{"start", (*peers).start},
	{"streams", (*peers).streams},
	{"train", (*peers).train},
	{"scale", (*peers).scale},
	{"context", (*peers).context},
	{"long", (*peers).long},
	{"large", (*peers).largeModel},
	{"qlora", (*peers).qlora},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	p := &peers{threads: runtime.NumCPU(), works: map[string]*bench.Work{}, log: os.Stderr}
	flag.StringVar(&p.llama, "llama", "", "folder with llama-bench, llama-server and llama-quantize of llama.cpp")
	flag.StringVar(&p.python, "python", "", "Python with torch, transformers and peft")
	flag.StringVar(&p.large, "large", "", "keep the model of 7B in this file, and make it when it is missing (4.1 GB; default: it is made below the folder for temporary files and deleted at the end)")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds of each case")
	doc := flag.String("doc", "", "write the results into this Markdown file")
	keep := flag.String("keep", "", "a file of results: those of cases that are not run now stay, so that a table can be measured case by case")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	ids := flag.String("models", "smollm2-135m-instruct,gemma-3-270m", "models, separated by commas")
	flag.Parse()
	if p.llama == "" {
		return errors.New("-llama DIR is needed: the folder of llama.cpp's programs")
	}
	for _, name := range flag.Args() {
		if !slices.Contains(Names(), name) && name != none {
			return fmt.Errorf("there is no case %q: they are %v, or %s to write only the page", name, Names(), none)
		}
	}
	if p.dir, err = os.MkdirTemp("", "graft-peers-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	if *keep != "" {
		if err := p.recall(*keep); err != nil {
			return err
		}
	}
	if err := p.prepare(ctx, *ids); err != nil {
		return err
	}
	measured := false
	for _, c := range cases {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), c.name) {
			continue
		}
		if err := c.run(p, ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		measured = true
		if *keep != "" {
			if err := p.keep(*keep); err != nil {
				return err
			}
		}
	}
	if *doc != "" {
		if err := p.document(ctx, *doc, measured); err != nil {
			return err
		}
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(kept{bench.CPUName(), p.threads, p.rows})
	}
	return nil
}

// none in the place of cases measures nothing.
const none = "none"

// Names of the cases.
func Names() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// prepare builds graft, finds the models, and has llama.cpp quantise each anew into
// the formats that suit it best.
func (p *peers) prepare(ctx context.Context, ids string) (err error) {
	if p.program, err = harness.Build(ctx, p.dir); err != nil {
		return err
	}
	for _, id := range split(ids) {
		path, err := harness.Model(ctx, id)
		if err != nil {
			return err
		}
		m := modelFile{name: id, path: path}
		for _, format := range []string{"Q4_0", "Q8_0"} {
			to := filepath.Join(p.dir, id+"."+format+".gguf")
			if _, err := p.command(ctx, "llama-quantize", "--allow-requantize", path, to, format); err != nil {
				return err
			}
			m.requants = append(m.requants, modelFile{name: format, path: to})
		}
		p.models = append(p.models, m)
	}
	return nil
}
