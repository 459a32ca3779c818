package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/training/dataset"
)

func TestJoin(t *testing.T) {
	index := "Package: zoo-bin\nSource: zoo (1.2)\nSection: games\nDescription: a zoo\nDescription-md5: aa\n\n" +
		"Package: lone\nSection: net\nDescription-md5: bb\n\nPackage: untold\nSection: net\nDescription-md5: cc\n\n" +
		"Package: zoo-bin\nSection: web\nDescription-md5: bb\n"
	texts := "Package: zoo-bin\nDescription-md5: aa\nDescription-en: a zoo: with colons\n Many animals\n live here.\n .\n  * apes\n\n" +
		"Package: lone\nDescription-md5: bb\nDescription-en: alone\n"
	want := []Package{
		{"zoo-bin", "zoo", "games", "a zoo: with colons", "Many animals live here.\n* apes"},
		{"lone", "lone", "net", "alone", ""},
	}
	if diff := cmp.Diff(want, join(index, texts)); diff != "" {
		t.Error(diff)
	}
}

// made are n packages of each section, two of each source, every tenth with the text of
// the one before.
func made(n int) (out []Package) {
	for _, s := range sections {
		for i := range n {
			body := ""
			for w := range 20 {
				body += fmt.Sprintf("%s%dword%d ", s, i-i%10/9, w)
			}
			out = append(out, Package{fmt.Sprintf("%s-%d", s, i), fmt.Sprintf("%s-src-%d", s, i/2), s, "synopsis", body})
		}
	}
	return out
}

func TestSplits(t *testing.T) {
	n := sizes{40, 10, 20}
	files := func(seed uint64, n sizes) (out [3]string, splits [3][]Package) {
		kept, err := distinct(made(40), 60, seed)
		if err != nil {
			t.Fatal(err)
		}
		if splits, err = divide(kept, n); err != nil {
			t.Fatal(err)
		}
		for i, s := range splits {
			text, err := tasks["sections"].file(s, 60)
			if err != nil {
				t.Fatal(err)
			}
			out[i] = string(text)
		}
		return out, splits
	}
	a, splits := files(1, n)
	if b, _ := files(1, n); a != b {
		t.Error("the same seed gave other files")
	}
	if b, _ := files(2, n); a == b {
		t.Error("another seed gave the same files")
	}
	if b, _ := files(1, sizes{100, 10, 20}); a[2] != b[2] || !strings.HasPrefix(b[0], a[0]) {
		t.Error("more rows to train on changed the others")
	}
	sources := map[string]bool{}
	var texts []string
	for i, s := range splits {
		count := map[string]int{}
		for _, p := range s {
			if sources[p.Source] {
				t.Errorf("source %s twice", p.Source)
			}
			sources[p.Source] = true
			count[p.Section]++
			texts = append(texts, p.Body)
		}
		for _, name := range sections {
			if want := []int{4, 1, 2}[i]; count[name] != want {
				t.Errorf("split %d: %d of %s, want %d", i, count[name], name, want)
			}
		}
	}
	for i, g := range dataset.Groups(texts) {
		if g != i {
			t.Errorf("nearly the same: %q and %q", texts[g], texts[i])
		}
	}
	if _, err := divide(nil, n); err == nil {
		t.Error("rows of nothing")
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"a b c": "a b", "a\nb": "a\nb", " a  b \n c": "a  b", "": ""} {
		if got := cut(text, 2); strings.TrimSpace(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestRows reads the files as training does.
func TestRows(t *testing.T) {
	for name, task := range tasks {
		text, err := task.file(made(2), 60)
		if err != nil {
			t.Fatal(err)
		}
		n, p := 0, dataset.Problems{File: name, Most: 10}
		if err := dataset.Read(bytes.NewReader(text), &p, func(dataset.Row) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		if n != 2*len(sections) || len(p.List) > 0 {
			t.Errorf("%s: %d rows, problems %v", name, n, p.List)
		}
	}
}
