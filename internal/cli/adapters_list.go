package cli

import (
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"graft/internal/hub"
)

func (e *env) listAdapters(f *adapterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the adapters",
		Example: `  graft adapters list
  graft adapters list --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var list struct {
				Data []adapterInfo `json:"data"`
			}
			if err := e.ask(c.Context(), f, http.MethodGet, "/v1/lora_adapters", nil, &list); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(list.Data)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tGENERATION\tBASE\tRANK\tSIZE\tSTATE\tUPDATED\tNOTES")
			for _, a := range list.Data {
				state := a.State
				if a.Staged != "" && a.Staged != a.Generation {
					state += ", " + shortGeneration(a.Staged) + " staged"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", a.ID, shortGeneration(a.Generation), a.Base, a.Rank, hub.Size(a.Bytes), state, since(a.Updated), a.Notes)
			}
			return w.Flush()
		},
	}
}

// since is a time as servers write it, for people.
func since(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return when(time.Unix(seconds, 0))
}

func (e *env) adapterHistory(f *adapterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "history NAME",
		Short: "Show what a name stood for, latest first",
		Example: `  graft adapters history support
  graft adapters rollback support`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var list struct {
				Data []struct {
					Time       int64  `json:"time"`
					Action     string `json:"action"`
					Generation string `json:"generation"`
					By         string `json:"by,omitempty"`
					Note       string `json:"note,omitempty"`
				} `json:"data"`
			}
			if err := e.ask(c.Context(), f, http.MethodGet, adapterPath(args[0], "history"), nil, &list); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(list.Data)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TIME\tWHAT\tGENERATION\tKEY\tNOTE")
			for _, ev := range list.Data {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", since(ev.Time), ev.Action, shortGeneration(ev.Generation), ev.By, ev.Note)
			}
			return w.Flush()
		},
	}
}
