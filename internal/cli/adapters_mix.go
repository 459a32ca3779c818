package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"graft/adapters"
	"graft/internal/app"
)

func (e *env) mixAdapters(f *adapterFlags) *cobra.Command {
	var o adapters.MixOptions
	var a addFlags
	var from []string
	c := &cobra.Command{
		Use:   "mix NEW --from A=WEIGHT,B=WEIGHT",
		Short: "Make one adapter of several",
		Long: `Make one adapter of several, as PEFT's add_weighted_adapter does, and give it a name.
Strategies:
  cat              exactly the weighted sum; the rank is the sum of the ranks
  linear           mixes the matrices themselves: cheap and rough; equal ranks
  ties             of each matrix the largest numbers, and of those the majority's sign
  dare_linear      linear, of numbers chosen by chance and scaled up
  dare_ties        ties, of numbers chosen by chance
  magnitude_prune  linear, of each matrix the largest numbers
--density is the share of the numbers that the last four keep.`,
		Example: `  graft adapters mix both --from support=0.7,sql=0.3 --strategy cat
  graft adapters mix both --from support=1,sql=1 --strategy ties --density 0.5 --replace`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := os.MkdirTemp("", "graft-mix-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			folder := filepath.Join(dir, "mix")
			err = e.withLibrary(c.Context(), f, func(l *app.Library) error {
				list, base, notes, err := readMixture(c, l, from, o)
				if err != nil {
					return err
				}
				mixed, err := adapters.Mix(o, list...)
				if err != nil {
					return err
				}
				if a.base == "" {
					a.base = base
				}
				if a.notes == "" {
					a.notes = notes
				}
				return adapters.WritePEFT(folder, mixed)
			})
			if err != nil {
				return err
			}
			info, err := e.runAdd(c.Context(), f, a, args[0], folder)
			if err != nil {
				return err
			}
			if f.json {
				return e.printJSON(info)
			}
			return printAdapter(e.out, info, false)
		},
	}
	c.Flags().StringSliceVar(&from, "from", nil, "what is mixed: `NAME=WEIGHT,…`; a name may be NAME@GENERATION")
	c.Flags().StringVar(&o.Strategy, "strategy", "linear", strings.Join(adapters.Strategies, ", "))
	c.Flags().Float64Var(&o.Density, "density", 0.5, "share of the numbers that is kept")
	c.Flags().StringVar(&o.Majority, "majority", "total", "whose sign wins in ties: total of the numbers, or frequency of the signs")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "of the choice that dare_linear and dare_ties make by chance")
	a.register(c)
	c.MarkFlagRequired("from")
	return c
}

// readMixture reads the adapters that are mixed, the base that all belong to, and
// what is to be noted of them.
func readMixture(c *cobra.Command, l *app.Library, from []string, o adapters.MixOptions) (list []adapters.Weighted, base, notes string, err error) {
	notes = "mix " + o.Strategy
	for _, part := range from {
		name, text, ok := strings.Cut(part, "=")
		weight, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, "", "", fmt.Errorf("--from %s: want NAME=WEIGHT, as in support=0.7", part)
		}
		a, entry, err := l.Adapter(c.Context(), name)
		if err != nil {
			return nil, "", "", err
		}
		if base != "" && entry.Base != base {
			return nil, "", "", fmt.Errorf("%s belongs to %s, the others to %s: only adapters of one base can be mixed", name, entry.Base, base)
		}
		base = entry.Base
		list = append(list, adapters.Weighted{Adapter: a, Weight: weight})
		notes += fmt.Sprintf(" %g·%s@%s", weight, entry.Name, shortGeneration(entry.Generation))
	}
	return list, base, notes, nil
}
