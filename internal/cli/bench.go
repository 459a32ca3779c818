package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/app/bench"
	"graft/internal/kernel"
)

func (e *env) bench() *cobra.Command {
	o := bench.Options{}
	var asJSON bool
	shape, precisions := "4x256", []string{}
	var about strings.Builder
	for _, c := range bench.Cases {
		fmt.Fprintf(&about, "  %-12s %s\n", c.Name, c.About)
	}
	c := &cobra.Command{
		Use:   "bench [CASE]...",
		Short: "Measure the engine on this machine",
		Long: `Measure the engine on this machine, in this process: the engine that serves, without
HTTP. All figures take turns in every round; a round before the first warms up. Shown
are medians, with how far the rounds spread. Without CASE, all are measured:

` + about.String() + `
Settings are those of serving: engine.exact=false computes prompts with activations in
8 bits, engine.threads=1 on one core. The peak of memory is that of the whole process:
ask for one case to know what it takes.`,
		Example: `  graft bench
  graft bench decode prefill --model ./model.gguf --json
  graft bench prefill --set engine.exact=false
  graft bench decode --depth 4000 --tokens 32
  graft bench train --shape 1x512 --precision bf16x2
  graft bench roofline
  graft bench make-model ./7b.gguf`,
		Args:      cobra.ArbitraryArgs,
		ValidArgs: bench.Names(),
		RunE: func(c *cobra.Command, cases []string) error {
			o.Cases = cases
			if err := readTraining(&o, shape, precisions); err != nil {
				return err
			}
			r, err := e.runBench(c.Context(), o)
			switch {
			case err != nil:
				return err
			case asJSON:
				enc := json.NewEncoder(e.out)
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return printBench(e.out, r)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.Name, "model", "m", "", "measure this `MODEL`: an id, a file or a folder (default: the first one configured)")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds that count")
	f.IntVar(&o.Tokens, "tokens", 128, "tokens that each stream generates")
	f.IntVar(&o.Prompt, "prompt", 512, "tokens of the prefill case")
	f.IntVar(&o.Depth, "depth", 16, "tokens before those of the decode case")
	f.StringVar(&shape, "shape", shape, "`ROWSxTOKENS` of a step of the train case")
	f.StringSliceVar(&precisions, "precision", nil, "`PRECISIONS` of the train case, separated by commas (default: all)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	c.RegisterFlagCompletionFunc("model", completeModels)
	c.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(kernel.Precisions(), cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(e.benchMake(), e.benchRoofline())
	return c
}

// readTraining reads the shape of a step, as in 4x256, and the precisions.
func readTraining(o *bench.Options, shape string, precisions []string) error {
	rows, tokens, _ := strings.Cut(shape, "x")
	var err, err2 error
	o.Rows, err = strconv.Atoi(rows)
	o.Length, err2 = strconv.Atoi(tokens)
	if err != nil || err2 != nil || o.Rows < 1 || o.Length < 1 || o.Rows > 1<<20/o.Length {
		return fmt.Errorf("--shape %q: want rows and tokens as in 4x256, a million tokens in all at most", shape)
	}
	for _, name := range precisions {
		p, err := kernel.PrecisionOf(name)
		if err != nil {
			return fmt.Errorf("--precision: %w", err)
		}
		o.Precisions = append(o.Precisions, p)
	}
	return nil
}

func (e *env) runBench(ctx context.Context, o bench.Options) (*bench.Report, error) {
	if o.Rounds < 1 || o.Tokens < 2 || o.Prompt < 1 || o.Depth < 1 {
		return nil, fmt.Errorf("--rounds %d, --tokens %d, --prompt %d, --depth %d: want at least 1, 2, 1 and 1", o.Rounds, o.Tokens, o.Prompt, o.Depth)
	}
	flags := map[string]any{}
	if o.Name != "" {
		flags["models"] = []string{o.Name}
	}
	conf, err := e.load(flags)
	if err != nil {
		return nil, err
	}
	if o.Engine, err = app.Engine(conf); err != nil {
		return nil, err
	}
	p := e.newProgress(false)
	l, err := e.hub(conf).Pull(ctx, conf.Models[0], p.event)
	p.close()
	if err != nil {
		return nil, err
	}
	o.Model, o.Name = l.Path, l.ID
	if !e.quiet {
		o.Progress = func(round, rounds int) {
			if round == 0 {
				fmt.Fprintln(e.err, "warm")
			} else {
				fmt.Fprintf(e.err, "round %d of %d\n", round, rounds)
			}
		}
	}
	return bench.Run(ctx, o)
}

func printBench(out io.Writer, r *bench.Report) error {
	precision := "8"
	if r.Exact {
		precision = "16"
	}
	fmt.Fprintf(out, "%s, %s, %d threads, %s, activations in %s bits\n\n", r.CPU, r.ISA, r.Threads, r.Model, precision)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tmedian\t\tspread\trounds\tCPU s a round\tmemory")
	for _, x := range r.Results {
		value, unit := x.TokensPerSecond, "tokens/s"
		if value == 0 {
			value, unit = x.Seconds, "s"
		}
		memory := ""
		if x.Bytes > 0 {
			memory = fmt.Sprintf("%d MB", x.Bytes/1e6)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f %%\t%d\t%.2f\t%s\n", x.Name, figure(value), unit, 100*x.Spread, x.Rounds, x.CPUSeconds, memory)
	}
	if err := w.Flush(); err != nil || r.Peak == 0 {
		return err
	}
	_, err := fmt.Fprintf(out, "\npeak of memory: %d MB\n", r.Peak/1e6)
	return err
}

// figure has three digits.
func figure(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
