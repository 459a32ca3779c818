package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
)

// expectUsage explains --expect, which all changes have.
const expectUsage = "change nothing unless the name stands for this `GENERATION` now (its first 8 digits will do)"

func (e *env) removeAdapter(f *adapterFlags) *cobra.Command {
	var expect string
	c := &cobra.Command{
		Use:     "rm NAME...",
		Aliases: []string{"remove", "delete"},
		Short:   "Take names away",
		Long: `Take names away. Requests that run keep what they have; the files of a generation
go when no name and no request needs them.`,
		Example: `  graft adapters rm support
  graft adapters rm support --expect 9f86d081`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if expect != "" && len(args) > 1 {
				return errors.New("--expect goes with one name")
			}
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			query := ""
			if expect != "" {
				query = "?expected_generation=" + url.QueryEscape(expect)
			}
			return e.withServer(c.Context(), f, conf, false, func(cl *client) error {
				for _, name := range args {
					if err := cl.call(c.Context(), http.MethodDelete, adapterPath(name, "")+query, nil, nil); err != nil {
						return err
					}
					if f.json {
						if err := e.printJSON(map[string]any{"id": name, "deleted": true}); err != nil {
							return err
						}
					} else if !e.quiet {
						fmt.Fprintf(e.err, "%s is gone\n", name)
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&expect, "expect", "", expectUsage)
	return c
}

func (e *env) promoteAdapter(f *adapterFlags) *cobra.Command {
	var from, expect string
	var proof promotion
	c := &cobra.Command{
		Use:   "promote NAME [GENERATION]",
		Short: "Let a name stand for the staged generation, or another one",
		Long: `Let a name stand for the generation that is staged under it, for one that is
stored, or for what another name stands for (--from). It takes effect with the next
request.

A name can demand a verdict (graft adapters set NAME require_verdict=true, or
adapters.promote_requires_verdict for all): then it is given a generation only after
graft eval or graft prove found a CLEAR WIN of that generation over its base's best
prompt. Both note their verdicts with the generation; --run names the one that the
promotion is to rest on, and --result notes that of a run's folder first. --force does
without, and stands in the history.`,
		Example: `  graft adapters promote support
  graft adapters promote support 9f86d081884c
  graft adapters promote support --from support-candidate
  graft adapters promote support --from support-candidate --result evals/support/3f2a9c81d07b
  graft adapters promote support --force`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return e.moveAdapter(c, f, "promote", args, from, expect, &proof)
		},
	}
	c.Flags().StringVar(&from, "from", "", "take what this `NAME` stands for")
	c.Flags().StringVar(&proof.run, "run", "", "rest on this `EVALUATION` (its id), whether or not a verdict is demanded")
	c.Flags().StringVar(&proof.result, "result", "", "note the verdict of this run first, and rest on it: a `FOLDER`, its result.json, or a task's name")
	c.Flags().BoolVar(&proof.force, "force", false, "also without a clear win")
	c.Flags().StringVar(&expect, "expect", "", expectUsage)
	return c
}

func (e *env) rollbackAdapter(f *adapterFlags) *cobra.Command {
	var expect string
	c := &cobra.Command{
		Use:   "rollback NAME [GENERATION]",
		Short: "Let a name stand for what it stood for before",
		Example: `  graft adapters rollback support
  graft adapters history support && graft adapters rollback support 9f86d081`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return e.moveAdapter(c, f, "rollback", args, "", expect, nil)
		},
	}
	c.Flags().StringVar(&expect, "expect", "", expectUsage)
	return c
}

// promotion says what a promotion rests on.
type promotion struct {
	run, result string
	force       bool
}

// moveAdapter lets a name stand for something else.
func (e *env) moveAdapter(c *cobra.Command, f *adapterFlags, action string, args []string, from, expect string, p *promotion) error {
	body := map[string]any{}
	if len(args) > 1 {
		body["generation"] = args[1]
	}
	if from != "" {
		body["from"] = from
	}
	if expect != "" {
		body["expected_generation"] = expect
	}
	if p != nil && p.force {
		body["force"] = true
	}
	if p != nil && p.run != "" {
		body["run"] = p.run
	}
	conf, err := e.load(nil)
	if err != nil {
		return err
	}
	var a adapterInfo
	err = e.withServer(c.Context(), f, conf, false, func(cl *client) error {
		if p != nil && p.result != "" {
			res, _, err := findRun(filepath.Join(conf.DataDir, "evals"), p.result)
			if err != nil {
				return err
			}
			if err := cl.record(c.Context(), cmp.Or(from, args[0]), res); err != nil {
				return err
			}
			body["run"] = res.ID
		}
		return cl.call(c.Context(), http.MethodPost, adapterPath(args[0], action), body, &a)
	})
	if err != nil {
		return err
	}
	return e.done(f, map[string]string{"promote": "promoted", "rollback": "rolled back"}[action], a)
}
