package cli

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"graft/internal/model"
	"graft/training/lint"
)

func (e *env) checkData() *cobra.Command {
	var d dataFlags
	var page string
	var against []string
	var difficulty bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Look for what spoils a training",
		Long: `Look for what spoils a training: rows that cannot be read or are too long, copies and
near-copies, the same prompt with different answers, mixed formats, unbalanced labels
and lengths, text that a model wrote and nobody read, text of chat templates, secrets
and personal data, and with --against rows that are in other files too. With
--difficulty the model is loaded and reads a sample of the rows, of some thousand
tokens: what it knows already, and what stands out. The exit status is 1 if there are errors; warnings are for you to look at.`,
		Example: `  graft data check train.jsonl
  graft data check train.jsonl --against validation.jsonl --html report.html
  graft data check train.jsonl --difficulty
  graft data check train.jsonl --model qwen3-0.6b --max-tokens 2048 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := e.format(c.Context(), &d)
			if err != nil {
				return err
			}
			o, err := d.options(args[0], f)
			if err != nil {
				return err
			}
			set, err := loadData(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			in := lint.Input{Set: set}
			for _, path := range against {
				o.File, o.MinRows = path, -1
				other, err := loadData(c.Context(), path, o)
				if err != nil {
					return err
				}
				if err := other.Err(); err != nil {
					return err
				}
				in.Others = append(in.Others, lint.File{Name: path, Rows: other.Rows})
			}
			if difficulty {
				m, err := model.Load(d.path, model.Options{})
				if err != nil {
					return err
				}
				defer m.Close()
				in.Scorer = lint.Base{Model: m}
			}
			r, err := lint.Run(c.Context(), in)
			if err != nil {
				return err
			}
			if err := e.printReport(r, page, d.asJSON); err != nil {
				return err
			}
			if r.Errors > 0 {
				return fmt.Errorf("%s cannot be trained on: errors: %d", r.File, r.Errors)
			}
			return nil
		},
	}
	d.register(c)
	d.registerBounds(c)
	c.Flags().StringArrayVar(&against, "against", nil, "`FILE` that must have no rows of this one, as that of the validation (repeatable)")
	c.Flags().BoolVar(&difficulty, "difficulty", false, "load the model and measure how hard rows are for it")
	c.Flags().StringVar(&page, "html", "", "write the report as a page to `FILE` too")
	return c
}

// printReport writes a report, to the terminal and as a page to a file; "": to none.
func (e *env) printReport(r *lint.Report, page string, asJSON bool) error {
	if page != "" {
		var b bytes.Buffer
		if err := r.HTML(&b); err != nil {
			return err
		}
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if asJSON {
		return e.printJSON(r)
	}
	return r.Text(e.out, func(s lint.Severity, word string) string {
		code := "33"
		if s == lint.Error {
			code = "31"
		}
		return e.paint(e.out, code, word)
	})
}
