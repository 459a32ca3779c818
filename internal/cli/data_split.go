package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"graft/training/dataset"
)

func (e *env) splitData() *cobra.Command {
	var train, valid string
	var share float64
	var seed uint64
	var asJSON, force bool
	c := &cobra.Command{
		Use:   "split FILE",
		Short: "Divide a file into one to train on and one to validate with",
		Long: `Divide a file into one to train on and one to validate with. Rows of the same prompt
and near-copies stay together, so that nothing is validated that was trained on; where
answers are labels, each has its share in both files. The same file, share and seed
give the same division. Lines are written as they are.`,
		Example: `  graft data split all.jsonl
  graft data split all.jsonl --share 0.2 --train train.jsonl --validation held-out.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			base := strings.TrimSuffix(args[0], filepath.Ext(args[0]))
			if train == "" {
				train = base + ".train.jsonl"
			}
			if valid == "" {
				valid = base + ".validation.jsonl"
			}
			list, text, err := readRows(args[0])
			if err != nil {
				return err
			}
			t, v, err := dataset.Split(list, share, seed)
			if err != nil {
				return err
			}
			for _, part := range []struct {
				path string
				of   []int
			}{{train, t}, {valid, v}} {
				if err := writeLines(part.path, text, list, part.of, force); err != nil {
					return err
				}
			}
			if asJSON {
				return e.printJSON(map[string]any{"train": train, "train_rows": len(t), "validation": valid, "validation_rows": len(v), "seed": seed})
			}
			_, err = fmt.Fprintf(e.out, "%s: %d rows\n%s: %d rows\n", train, len(t), valid, len(v))
			return err
		},
	}
	f := c.Flags()
	f.Float64Var(&share, "share", 0.1, "part of the rows to validate with")
	f.Uint64Var(&seed, "seed", 1, "another one gives another division")
	f.StringVar(&train, "train", "", "`FILE` to train on (default FILE.train.jsonl)")
	f.StringVar(&valid, "validation", "", "`FILE` to validate with (default FILE.validation.jsonl)")
	f.BoolVar(&force, "force", false, "replace files that are there")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// readRows reads a file and its lines. A row that cannot be read is an error.
func readRows(path string) ([]dataset.Row, [][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var list []dataset.Row
	p := dataset.Problems{File: path}
	if err := dataset.Read(bytes.NewReader(data), &p, func(r dataset.Row) error {
		list = append(list, r)
		return nil
	}); err != nil {
		return nil, nil, err
	}
	return list, bytes.Split(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), []byte("\n")), p.Err()
}

// writeLines writes some rows' lines.
func writeLines(path string, text [][]byte, list []dataset.Row, of []int, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !force {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if os.IsExist(err) {
		return fmt.Errorf("%s is there already: choose another name, or replace it with --force", path)
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, i := range of {
		w.Write(bytes.TrimSuffix(text[list[i].Line-1], []byte("\r")))
		io.WriteString(w, "\n")
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
