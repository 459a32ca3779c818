package cli

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/adapters"
	"graft/internal/hub"
)

func (e *env) showAdapter(f *adapterFlags) *cobra.Command {
	var modules bool
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show an adapter and the report of its check",
		Long: `Show an adapter and the report of its check against the base: how many modules it
changes of those that its configuration names, and how much: the norm of the update
as a share of the weight's, one bar for each layer. --modules lists every module.`,
		Example: `  graft adapters show support
  graft adapters show support --modules
  graft adapters show support --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var a adapterInfo
			if err := e.ask(c.Context(), f, http.MethodGet, adapterPath(args[0], ""), nil, &a); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(a)
			}
			return printAdapter(e.out, a, modules)
		},
	}
	c.Flags().BoolVar(&modules, "modules", false, "one line for every module")
	return c
}

func printAdapter(out io.Writer, a adapterInfo, modules bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("name", "%s", a.ID)
	line("generation", "%s", a.Generation)
	if a.Staged != "" {
		line("staged", "%s", a.Staged)
	}
	line("state", "%s", a.State)
	line("base", "%s", a.Base)
	if a.Source != "" {
		line("source", "%s", a.Source)
	}
	line("created", "%s, last given a generation %s", since(a.Created), since(a.Updated))
	if a.Notes != "" {
		line("notes", "%s", a.Notes)
	}
	for _, s := range settingLines(a.Settings) {
		line("setting", "%s", s)
	}
	if a.NeedsVerdict {
		line("promote", "%s", "after a CLEAR WIN only")
	}
	for _, v := range a.Verdicts {
		line("verdict", "%s on %s: %s %+.3f (95%% %+.3f to %+.3f), %d cases, %s, %s", v.Outcome, v.Task, v.Metric, v.Diff, v.Low95, v.High95, v.Cases, v.Run, when(v.Created))
	}
	r := a.Report
	if r == nil {
		return w.Flush()
	}
	line("size", "%s, rank %d", hub.Size(a.Bytes), a.Rank)
	if r.Base != "" {
		line("trained on", "%s", r.Base)
	}
	line("modules", "%d of %d changed, %d parameters replaced", r.Applied, r.Expected, r.Replaced)
	line("norm", "%s of the weights it changes", percent(r.Norm))
	if err := w.Flush(); err != nil {
		return err
	}
	if modules {
		return printModules(out, r.Modules)
	}
	return printKinds(out, r.Modules)
}

// settingLines are the settings that are set.
func settingLines(s *adapters.Settings) []string {
	if s == nil {
		return nil
	}
	var lines []string
	for _, name := range settingNames() {
		if v := settingOf(s, name); v != "" {
			lines = append(lines, name+"="+v)
		}
	}
	return lines
}

func percent(f float64) string { return strconv.FormatFloat(100*f, 'g', 3, 64) + " %" }

// printModules is a bar for each module.
func printModules(out io.Writer, list []adapters.ModuleNorm) error {
	most := 0.0
	for _, m := range list {
		most = max(most, m.Norm)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nMODULE\tRANK\tSCALE\tNORM")
	for _, m := range list {
		bar := ""
		if most > 0 {
			bar = strings.Repeat("█", int(20*m.Norm/most+0.5))
		}
		fmt.Fprintf(w, "%s\t%d\t%.4g\t%s\t%s\n", m.Path, m.Rank, m.Scale, percent(m.Norm), bar)
	}
	return w.Flush()
}

// printKinds is a line for each kind of module, with a small bar for each layer.
func printKinds(out io.Writer, list []adapters.ModuleNorm) error {
	var kinds []string
	by := map[string][]adapters.ModuleNorm{}
	most := 0.0
	for _, m := range list {
		kind := m.Path[strings.LastIndexByte(m.Path, '.')+1:]
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		by[kind] = append(by[kind], m)
		most = max(most, m.Norm)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nMODULES\tNUMBER\tNORM\tBY LAYER")
	for _, kind := range kinds {
		lowest, highest, bars := most, 0.0, ""
		for _, m := range by[kind] {
			lowest, highest = min(lowest, m.Norm), max(highest, m.Norm)
			bars += smallBar(m.Norm, most)
		}
		norm := percent(highest)
		if len(by[kind]) > 1 {
			norm = percent(lowest) + " to " + norm
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", kind, len(by[kind]), norm, bars)
	}
	return w.Flush()
}

// smallBar is one of eight heights.
func smallBar(v, most float64) string {
	const heights = "▁▂▃▄▅▆▇█"
	step := 0
	if most > 0 {
		step = min(int(8*v/most), 7)
	}
	return string([]rune(heights)[step])
}
