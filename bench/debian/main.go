// Command debian makes training and gold files for real tasks from the descriptions
// of Debian's packages, which apt fetches when it is run (40 MB, then kept):
//
//	go run ./bench/debian [-out DIR] [-train 500] [-dev 100] [-gold 100] [-seed 1] [sections synopsis]
//
// sections is to classify a description into one of ten sections, synopsis to write
// the one line that stands above a description. Each becomes DIR/TASK-train.jsonl,
// -dev.jsonl and -gold.jsonl: chats with a system prompt, a description, and the
// answer. The same lists, seed and sizes give the same bytes; their digests are
// printed. The texts are Debian's and are not part of this repository.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "debian:", err)
		os.Exit(1)
	}
}

// sizes are rows of the three files of a task.
type sizes struct{ train, dev, gold int }

func run(ctx context.Context) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	out := flag.String("out", filepath.Join(cache, "graft-debian"), "folder for the files")
	lists := flag.String("lists", "", "folder with apt's lists; fetched when it has none (default OUT/lists)")
	var n sizes
	flag.IntVar(&n.train, "train", 500, "rows to train on")
	flag.IntVar(&n.dev, "dev", 100, "rows to choose prompts and settings with")
	flag.IntVar(&n.gold, "gold", 100, "rows to measure with at the end")
	seed := flag.Uint64("seed", 1, "another number draws other packages")
	words := flag.Int("words", 60, "descriptions are cut after so many words")
	flag.Parse()
	names := flag.Args()
	if len(names) == 0 {
		names = []string{"sections", "synopsis"}
	}
	if *lists == "" {
		*lists = filepath.Join(*out, "lists")
	}
	for _, v := range []int{n.train, n.dev, n.gold} {
		if v < 0 || v%len(sections) != 0 {
			return fmt.Errorf("%d rows: each of the %d sections gets as many, so give a multiple of %d", v, len(sections), len(sections))
		}
	}
	packages, err := load(ctx, *lists)
	if err != nil {
		return err
	}
	packages, err = distinct(packages, *words, *seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d descriptions, one of each source, no two alike\n", len(packages))
	splits, err := divide(packages, n)
	if err != nil {
		return err
	}
	for _, name := range names {
		t, ok := tasks[name]
		if !ok {
			return fmt.Errorf("no task %q: there are sections and synopsis", name)
		}
		for i, part := range []string{"train", "dev", "gold"} {
			text, err := t.file(splits[i], *words)
			if err != nil {
				return err
			}
			path := filepath.Join(*out, name+"-"+part+".jsonl")
			if err := write(path, text); err != nil {
				return err
			}
			fmt.Printf("%x  %4d rows  %s\n", sha256.Sum256(text), len(splits[i]), path)
		}
	}
	return nil
}

// write makes a whole file or none.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
