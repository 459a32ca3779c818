package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
of a task, which stands for its latest run. Runs compare only if they have the same cases
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
			cmp, err := evalharness.CompareRuns(c.Context(), runs[0], arms[0], runs[1], arms[1], metric)
			if err != nil {
				return err
			}
			if asJSON {
				if err := e.printJSON(cmp); err != nil {
					return err
				}
				return verdictError(&cmp.Verdict)
			}
			fmt.Fprintf(e.out, "%s against %s\n", cmp.A, cmp.B)
			e.printVerdict(cmp.Metric, &cmp.Verdict)
			for _, s := range cmp.Slices {
				fmt.Fprintf(e.out, "  %s: %+.3f on %d cases (p %.3g after Holm)\n", s.Tag, s.Diff, s.N, s.Adjusted)
			}
			return verdictError(&cmp.Verdict)
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
	// A task's latest run: the folder with the youngest result.
	var latest string
	var youngest int64
	found, err := filepath.Glob(filepath.Join(evals, path, "*", "result.json"))
	if err != nil {
		return nil, "", err
	}
	for _, f := range found {
		if info, err := os.Stat(f); err == nil && info.ModTime().UnixNano() > youngest {
			latest, youngest = f, info.ModTime().UnixNano()
		}
	}
	if latest == "" {
		return nil, "", fmt.Errorf("%s: there is no such file, and no evaluation of a task of that name", path)
	}
	res, err := evalharness.ReadResult(latest)
	return res, arm, err
}
