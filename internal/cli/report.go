package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"graft/evalharness"
	"graft/evalharness/report"
)

func (e *env) report() *cobra.Command {
	var format, out string
	var bare bool
	c := &cobra.Command{
		Use:   "report RUN_DIR|result.json",
		Short: "Render the result of an evaluation as a page, Markdown, CSV, JUnit or JSON",
		Long: `Render the result of an evaluation. The page is one file that loads nothing: the verdict
first, then intervals, ladder, slices, confusion, forgetting, the training's loss, every
case with its prompts and answers side by side, what each arm was given, and what is
needed to repeat the run. Markdown has the tables and the lost cases, CSV a row for each
answer, JUnit a test for each verdict, guard and case.

With --without-texts it can be shown to people who may not see the data: no question,
prompt, answer, reference or example is in it, no name of a case or a person, no folder
and no address. Labels and tags stay, as the names of groups.`,
		Example: `  graft report runs/support -o report.html
  graft report result.json --format md
  graft report result.json --format junit -o junit.xml
  graft report runs/support --without-texts -o public.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("format") {
				format = formatOf(out)
			}
			r, err := readRun(args[0])
			if err != nil {
				return err
			}
			if bare {
				r = report.WithoutTexts(r)
			}
			var b bytes.Buffer
			if err := report.Write(&b, r, format); err != nil {
				return err
			}
			if out == "" || out == "-" {
				_, err = e.out.Write(b.Bytes())
				return err
			}
			if err := replaceFile(out, b.Bytes()); err != nil {
				return err
			}
			if !e.quiet {
				fmt.Fprintf(e.err, "%s: %d bytes\n", out, b.Len())
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "html", strings.Join(report.Formats(), ", ")+"; without it, what the name of -o says")
	c.Flags().BoolVar(&bare, "without-texts", false, "leave out what data, prompts and answers say")
	c.Flags().StringVarP(&out, "output", "o", "", "write to `FILE` (default: standard output)")
	return c
}

// formatOf is the format that a file's name asks for.
func formatOf(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".md", ".markdown":
		return "md"
	case ".csv":
		return "csv"
	case ".xml":
		return "junit"
	case ".json":
		return "json"
	}
	return "html"
}

// readRun reads the result of a run's folder, or a result itself.
func readRun(path string) (*evalharness.Result, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		path = filepath.Join(path, "result.json")
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: a run's folder has it once the run has ended", err)
		}
	}
	return evalharness.ReadResult(path)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
