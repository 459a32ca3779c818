package cli

import (
	"net/http"

	"github.com/spf13/cobra"

	"graft/training/lint"
)

func (e *env) jobReport(f *adapterFlags) *cobra.Command {
	var page string
	c := &cobra.Command{
		Use:   "report ID",
		Short: "Show what the checks of a job's data found",
		Long: `Show what the checks of a job's data found before it started: the same that graft data
check finds, with line numbers. Errors have stopped the job; warnings are for you to
look at.`,
		Example: `  graft jobs report ftjob-9a7K…
  graft jobs report ftjob-9a7K… --html report.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var r lint.Report
			if err := e.ask(c.Context(), f, http.MethodGet, jobPath(args[0], "report"), nil, &r); err != nil {
				return err
			}
			return e.printReport(&r, page, f.json)
		},
	}
	c.Flags().StringVar(&page, "html", "", "write the report as a page to `FILE` too")
	return c
}
