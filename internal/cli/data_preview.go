package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/training/dataset"
)

func (e *env) previewData() *cobra.Command {
	var d dataFlags
	var line int
	var table bool
	c := &cobra.Command{
		Use:   "preview FILE",
		Short: "Show a row token by token, as it is trained",
		Long: `Show a row as it is trained: the text that the chat template makes of it, with what
the model learns to write in green, or between » and « where there is no colour.
--tokens lists each token: number, text, role, weight and boundary. A row of which the
template would show earlier turns otherwise than they are served becomes one example a
turn; a preference row is the better answer and the worse one.`,
		Example: `  graft data preview train.jsonl
  graft data preview train.jsonl --line 3 --tokens
  graft data preview train.jsonl --line 3 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			row, err := rowAt(c.Context(), args[0], line)
			if err != nil {
				return err
			}
			f, err := e.format(c.Context(), &d)
			if err != nil {
				return err
			}
			list, err := f.Show(row, d.render())
			if err != nil {
				return fmt.Errorf("%s", dataset.AsProblem(args[0], row.Line, err))
			}
			switch {
			case d.asJSON:
				return e.printJSON(list)
			case table:
				return e.printTable(list)
			}
			return e.printPreviews(list)
		},
	}
	d.register(c)
	c.Flags().IntVar(&line, "line", 1, "line of the file, from 1")
	c.Flags().BoolVar(&table, "tokens", false, "one line for each token")
	return c
}

// errFound ends the reading of a file.
var errFound = errors.New("found")

// rowAt reads one line of a file.
func rowAt(ctx context.Context, path string, line int) (*dataset.Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found *dataset.Row
	p := dataset.Problems{File: path, Most: 1000}
	err = dataset.Read(f, &p, func(r dataset.Row) error {
		if r.Line == line {
			found = &r
			return errFound
		}
		return ctx.Err()
	})
	if err != nil && err != errFound {
		return nil, err
	}
	if found != nil {
		return found, nil
	}
	for _, b := range p.List {
		if b.Line == line {
			return nil, fmt.Errorf("%s", b)
		}
	}
	return nil, fmt.Errorf("%s has no row in line %d", path, line)
}

// printPreviews shows the text, with what is trained standing out.
func (e *env) printPreviews(list []dataset.Preview) error {
	_, colour := terminal(e.out)
	colour = colour && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	var b strings.Builder
	for _, p := range list {
		for _, t := range p.Tokens {
			text := printable(t.Text)
			switch {
			case colour && t.Weight > 0:
				text = e.paint(e.out, "32", text)
			case colour && t.Role == "template":
				text = e.paint(e.out, "2", text)
			case !colour && strings.Contains(t.Boundary, "start"):
				text = "»" + text
			}
			if !colour && strings.HasSuffix(t.Boundary, "end") {
				text += "«"
			}
			b.WriteString(text)
		}
		fmt.Fprintf(&b, "\n%s\n\n", e.paint(e.out, "2", fmt.Sprintf("line %d: %d tokens, %d trained", p.Line, len(p.Tokens), p.Trained)))
	}
	_, err := e.out.Write([]byte(b.String()))
	return err
}

// printable takes from a text what would change the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}

func (e *env) printTable(list []dataset.Preview) error {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintln(w, "ID\tTEXT\tROLE\tWEIGHT\tBOUNDARY")
		for _, t := range p.Tokens {
			fmt.Fprintf(w, "%d\t%q\t%s\t%g\t%s\n", t.ID, t.Text, t.Role, t.Weight, t.Boundary)
		}
		fmt.Fprintf(w, "line %d: %d tokens, %d trained\n\n", p.Line, len(p.Tokens), p.Trained)
	}
	return w.Flush()
}
