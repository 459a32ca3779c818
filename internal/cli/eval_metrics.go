package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/evalharness/metrics"
)

// metricNote explains what the columns of the list mean.
const metricNote = `VALUES are those of a case (binary: 0 or 1; continuous: a number), of a whole set only
(corpus), or of a case against another arm's answer (preference). MARGIN is the least
difference that matters unless the task says otherwise. OPTIONS are keys of the metric in
a task: metric: {name: rougeL, stem: true}; examples/task.yaml explains them.`

func (e *env) evalMetrics() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "metrics",
		Short: "List what answers can be measured by",
		Long:  "List what answers can be measured by: as metric and metrics of a task, and as --metric\nof graft prove.\n\n" + metricNote,
		Example: `  graft eval metrics
  graft eval metrics --json | jq -r '.[] | select(.kind == "binary").name'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			list := metrics.List()
			if asJSON {
				return e.printJSON(list)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "METRIC\tRANGE\tVALUES\tMARGIN\tOPTIONS\tWHAT IT MEASURES")
			for _, m := range list {
				name := strings.Join(append([]string{m.Name}, m.Aliases...), ", ")
				fmt.Fprintf(w, "%s\t%g to %g\t%s\t%g\t%s\t%s\n", name, m.Least, m.Scale, m.Kind, m.Margin, strings.Join(m.Options, ", "), m.Doc)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "\n%s\n", metricNote)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
