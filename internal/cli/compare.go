package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"graft/evalharness"
)

func (e *env) compare() *cobra.Command {
	var metric string
	var asJSON bool
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two arms of evaluations, case by case",
		Long: `Compare two arms of evaluations, case by case. A and B are runs, each with :ARM behind it
if it is not the adapter's arm that is meant: a run's folder, its result.json, or the name
of a task, which stands for its latest run that has the arm. Runs compare only if they have the same cases
and references, and the metric has the same signature in both.

Positive differences are A's. ` + exitCodes,
		Example: `  graft compare support:adapter support:zero_shot
  graft compare new/result.json old/result.json
  graft compare support:best_prompt support:few_shot --metric f1_macro`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			var runs [2]*evalharness.Result
			var arms [2]string
			for i, arg := range args {
				if runs[i], arms[i], err = findRun(filepath.Join(conf.DataDir, "evals"), arg); err != nil {
					return err
				}
			}
			both, err := evalharness.CompareRuns(c.Context(), runs[0], arms[0], runs[1], arms[1], metric)
			if err != nil {
				return err
			}
			if asJSON {
				if err := e.printJSON(both); err != nil {
					return err
				}
				return verdictError(&both.Verdict)
			}
			fmt.Fprintf(e.out, "%s against %s\n", both.A, both.B)
			e.printVerdict(both.Metric, &both.Verdict)
			for _, s := range both.Slices {
				fmt.Fprintf(e.out, "  %s: %+.3f on %d cases (p %.3g after Holm)\n", s.Tag, s.Diff, s.N, s.Adjusted)
			}
			return verdictError(&both.Verdict)
		},
	}
	c.Flags().StringVar(&metric, "metric", "", "compare by this metric (default: A's primary one)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// findRun reads RUN or RUN:ARM.
func findRun(evals, arg string) (*evalharness.Result, string, error) {
	path, arm := arg, ""
	if _, err := os.Stat(path); err != nil {
		if i := strings.LastIndex(arg, ":"); i >= 0 {
			path, arm = arg[:i], arg[i+1:]
		}
	}
	if _, err := os.Stat(path); err == nil {
		res, err := readRun(path)
		return res, arm, err
	}
	// A task's latest run that has the arm: graft advise leaves runs without an adapter.
	found, err := filepath.Glob(filepath.Join(evals, path, "*", "result.json"))
	if err != nil {
		return nil, "", err
	}
	age := map[string]time.Time{}
	for _, f := range found {
		if info, err := os.Stat(f); err == nil {
			age[f] = info.ModTime()
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return age[b].Compare(age[a]) })
	var latest *evalharness.Result
	for _, f := range found {
		res, err := evalharness.ReadResult(f)
		if err != nil {
			return nil, "", err
		}
		if res.Arm(cmp.Or(arm, evalharness.KindAdapter)) != nil {
			return res, arm, nil
		}
		if latest == nil {
			latest = res
		}
	}
	if latest == nil {
		return nil, "", fmt.Errorf("%s: there is no such file, and no evaluation of a task of that name", path)
	}
	return latest, arm, nil
}
