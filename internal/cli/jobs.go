package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/training/jobs"
)

const jobsPath = "/v1/fine_tuning/jobs"

func jobPath(id, action string) string {
	path := jobsPath + "/" + url.PathEscape(id)
	if action != "" {
		path += "/" + action
	}
	return path
}

// jobInfo is a fine-tuning job as servers describe it.
type jobInfo struct {
	ID              string          `json:"id"`
	Model           string          `json:"model"`
	Status          string          `json:"status"`
	Created         int64           `json:"created_at"`
	Finished        int64           `json:"finished_at,omitempty"`
	EstimatedFinish int64           `json:"estimated_finish,omitempty"`
	FineTuned       string          `json:"fine_tuned_model,omitempty"`
	TrainingFile    string          `json:"training_file"`
	ValidationFile  string          `json:"validation_file,omitempty"`
	ResultFiles     []string        `json:"result_files,omitempty"`
	TrainedTokens   int64           `json:"trained_tokens,omitempty"`
	Seed            int64           `json:"seed"`
	Hyper           json.RawMessage `json:"hyperparameters,omitempty"`
	Error           *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
	Graft struct {
		Plan *jobs.Plan `json:"plan,omitempty"`
	} `json:"graft"`
}

func (j *jobInfo) ended() bool {
	return j.Status == "succeeded" || j.Status == "failed" || j.Status == "cancelled"
}

func (e *env) jobs() *cobra.Command {
	var f adapterFlags
	c := &cobra.Command{
		Use:   "jobs",
		Short: "List, watch, pause, resume and cancel fine-tuning jobs",
		Long: `List, watch, pause, resume and cancel fine-tuning jobs. Where a server runs with the
same data folder, or --url names one, it is told; otherwise the data folder is changed
itself, and what was resumed goes on when a server runs, or graft train.`,
		Example: `  graft jobs list
  graft jobs watch ftjob-9a7K…
  graft jobs report ftjob-9a7K… --html report.html
  graft jobs pause ftjob-9a7K…`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	p := c.PersistentFlags()
	p.StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	p.StringVar(&f.key, "key", "", "API `KEY` for it (also GRAFT_API_KEY, OPENAI_API_KEY)")
	p.BoolVar(&f.json, "json", false, "print JSON")
	c.AddCommand(e.listJobs(&f), e.showJob(&f), e.jobReport(&f), e.watchJob(&f),
		e.changeJob(&f, "cancel", "End a job; its checkpoints stay"),
		e.changeJob(&f, "pause", "Have a job wait, with all that it has learnt"),
		e.changeJob(&f, "resume", "Let a paused job go on"))
	return c
}

func (e *env) listJobs(f *adapterFlags) *cobra.Command {
	limit := 0
	c := &cobra.Command{
		Use:   "list",
		Short: "List the jobs, the latest first",
		Example: `  graft jobs list
  graft jobs list --limit 100 --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var list struct {
				Data []jobInfo `json:"data"`
			}
			if err := e.ask(c.Context(), f, http.MethodGet, fmt.Sprintf("%s?limit=%d", jobsPath, limit), nil, &list); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(list.Data)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tMODEL\tSTATUS\tCREATED\tRESULT")
			for _, j := range list.Data {
				result := j.FineTuned
				if j.Error != nil {
					result = j.Error.Code
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", j.ID, j.Model, j.Status, since(j.Created), result)
			}
			return w.Flush()
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "list so many jobs")
	return c
}

func (e *env) showJob(f *adapterFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a job",
		Example: `  graft jobs show ftjob-9a7K…`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			return e.withServer(c.Context(), f, conf, false, func(cl *client) error {
				if f.json {
					var raw json.RawMessage
					if err := cl.call(c.Context(), http.MethodGet, jobPath(args[0], ""), nil, &raw); err != nil {
						return err
					}
					return e.printJSON(raw)
				}
				var j jobInfo
				if err := cl.call(c.Context(), http.MethodGet, jobPath(args[0], ""), nil, &j); err != nil {
					return err
				}
				return e.describeJob(c.Context(), cl, &j)
			})
		},
	}
}

// describeJob prints a job and its checkpoints.
func (e *env) describeJob(ctx context.Context, cl *client, j *jobInfo) error {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("job", "%s", j.ID)
	line("status", "%s", j.Status)
	line("model", "%s", j.Model)
	line("training file", "%s", j.TrainingFile)
	if j.ValidationFile != "" {
		line("validation file", "%s", j.ValidationFile)
	}
	line("hyperparameters", "%s", j.Hyper)
	line("seed", "%d", j.Seed)
	line("created", "%s", since(j.Created))
	if j.Finished > 0 {
		line("finished", "%s", since(j.Finished))
	}
	if j.TrainedTokens > 0 {
		line("trained tokens", "%d", j.TrainedTokens)
	}
	if j.FineTuned != "" {
		line("result", "%s", j.FineTuned)
	}
	if j.Error != nil {
		line("error", "%s: %s", j.Error.Code, j.Error.Message)
	}
	var list struct {
		Data []struct {
			Name    string `json:"fine_tuned_model_checkpoint"`
			Step    int    `json:"step_number"`
			Metrics struct {
				Train *float64 `json:"train_loss"`
				Valid *float64 `json:"full_valid_loss"`
				Plain *float64 `json:"neutral_bits_per_byte"`
			} `json:"metrics"`
		} `json:"data"`
	}
	if err := cl.call(ctx, http.MethodGet, jobPath(j.ID, "checkpoints")+"?limit=100", nil, &list); err != nil {
		return err
	}
	if len(list.Data) > 0 {
		fmt.Fprintln(w, "\nSTEP\tTRAINING LOSS\tVALIDATION LOSS\tNEUTRAL BITS/BYTE\tCHECKPOINT")
	}
	for _, c := range list.Data {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", c.Step, lossText(c.Metrics.Train), lossText(c.Metrics.Valid), lossText(c.Metrics.Plain), c.Name)
	}
	return w.Flush()
}

func lossText(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.4f", *v)
}

func (e *env) changeJob(f *adapterFlags, action, short string) *cobra.Command {
	return &cobra.Command{
		Use:     action + " ID",
		Short:   short,
		Example: "  graft jobs " + action + " ftjob-9a7K…",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var j jobInfo
			if err := e.ask(c.Context(), f, http.MethodPost, jobPath(args[0], action), nil, &j); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(j)
			}
			if !e.quiet {
				fmt.Fprintf(e.out, "%s is %s\n", j.ID, j.Status)
			}
			return nil
		},
	}
}
