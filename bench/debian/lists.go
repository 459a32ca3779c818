package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is one of Debian's, with its English description.
type Package struct {
	Name, Source, Section string
	Synopsis              string // the first line of the description
	Body                  string // the others, as paragraphs
}

// load reads the lists in a folder, and lets apt fetch them if it has none. apt
// checks their signatures; the system's own lists are left alone.
func load(ctx context.Context, dir string) ([]Package, error) {
	read := func(kind string) ([]byte, error) {
		names, err := filepath.Glob(filepath.Join(dir, "*"+kind+"*"))
		if err != nil || len(names) == 0 {
			return nil, err
		}
		var text bytes.Buffer
		for _, name := range names { // sorted by Glob
			cat := exec.CommandContext(ctx, "/usr/lib/apt/apt-helper", "cat-file", name)
			cat.Stdout, cat.Stderr = &text, os.Stderr
			if err := cat.Run(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			text.WriteString("\n\n")
		}
		return text.Bytes(), nil
	}
	texts, err := read("_Translation-en")
	if err == nil && texts == nil {
		if err = fetch(ctx, dir); err == nil {
			texts, err = read("_Translation-en")
		}
	}
	if err != nil {
		return nil, err
	}
	index, err := read("_Packages")
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 || len(index) == 0 {
		return nil, fmt.Errorf("%s: apt left no lists of packages and descriptions: is this Debian, with a source in /etc/apt?", dir)
	}
	return join(string(index), string(texts)), nil
}

func fetch(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "partial"), 0o755); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "apt-get update into", dir)
	update := exec.CommandContext(ctx, "apt-get", "-qq", "-o", "Acquire::Languages=en", "-o", "APT::Sandbox::User=",
		"-o", "Dir::State::lists="+dir+"/", "-o", "Dir::Cache="+filepath.Join(dir, "cache"), "update")
	update.Stdout, update.Stderr = os.Stderr, os.Stderr
	if err := update.Run(); err != nil {
		return errors.Join(fmt.Errorf("apt-get update: %w", err), os.RemoveAll(dir))
	}
	return nil
}

// join makes packages of the stanzas of both lists, which share the digest of the
// description. The first stanza of a name counts.
func join(index, texts string) []Package {
	descriptions := map[string]string{}
	for stanza := range strings.SplitSeq(texts, "\n\n") {
		f := fields(stanza)
		descriptions[f["Description-md5"]] = f["Description-en"]
	}
	var out []Package
	seen := map[string]bool{}
	for stanza := range strings.SplitSeq(index, "\n\n") {
		f := fields(stanza)
		text := descriptions[f["Description-md5"]]
		if f["Package"] == "" || f["Description-md5"] == "" || text == "" || seen[f["Package"]] {
			continue
		}
		seen[f["Package"]] = true
		source, _, _ := strings.Cut(f["Source"], " ") // "name (version)"
		if source == "" {
			source = f["Package"]
		}
		synopsis, body, _ := strings.Cut(text, "\n")
		out = append(out, Package{f["Package"], source, f["Section"], strings.TrimSpace(synopsis), paragraphs(body)})
	}
	return out
}

// fields are those of one stanza; lines that go on begin with a space.
func fields(stanza string) map[string]string {
	out := map[string]string{}
	last := ""
	for line := range strings.SplitSeq(stanza, "\n") {
		if strings.HasPrefix(line, " ") {
			if last != "" {
				out[last] += "\n" + line
			}
		} else if key, value, ok := strings.Cut(line, ":"); ok {
			last = key
			out[key] = strings.TrimPrefix(value, " ")
		}
	}
	return out
}

// paragraphs joins lines; " ." is an empty one (Debian policy, 5.6.13).
func paragraphs(body string) string {
	var out []string
	var words []string
	for line := range strings.SplitSeq(body, "\n") {
		if line = strings.TrimSpace(line); line != "." && line != "" {
			words = append(words, line)
		} else if len(words) > 0 {
			out, words = append(out, strings.Join(words, " ")), nil
		}
	}
	if len(words) > 0 {
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "\n")
}
