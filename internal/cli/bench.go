package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/app/bench"
)

func (e *env) bench() *cobra.Command {
	o := bench.Options{}
	var asJSON bool
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
8 bits, engine.threads=1 on one core.`,
		Example: `  graft bench
  graft bench decode prefill --model ./model.gguf --json
  graft bench prefill --set engine.exact=false
  graft bench roofline
  graft bench make-model ./7b.gguf`,
		Args:      cobra.ArbitraryArgs,
		ValidArgs: bench.Names(),
		RunE: func(c *cobra.Command, cases []string) error {
			o.Cases = cases
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
	f.BoolVar(&asJSON, "json", false, "print JSON")
	c.RegisterFlagCompletionFunc("model", completeModels)
	c.AddCommand(e.benchMake(), e.benchRoofline())
	return c
}

func (e *env) runBench(ctx context.Context, o bench.Options) (*bench.Report, error) {
	if o.Rounds < 1 || o.Tokens < 2 || o.Prompt < 1 {
		return nil, fmt.Errorf("--rounds %d, --tokens %d, --prompt %d: want at least 1, 2 and 1", o.Rounds, o.Tokens, o.Prompt)
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
	return w.Flush()
}

// figure has three digits.
func figure(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
