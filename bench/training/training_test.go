package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/training"
)

func TestBatches(t *testing.T) {
	list := []training.Example{
		{IDs: []int32{1, 2, 3}, Weights: []float32{0, 0, 1}},
		{IDs: []int32{4, 5}, Weights: []float32{0, 1}},
		{IDs: []int32{6, 7, 8, 9}, Weights: []float32{0, 0, 1, 1}},
	}
	want := map[int32]batch{ // by the first token: row, labels, mask without padding
		1: {[][]int32{{1, 2, 3}}, [][]int32{{-100, -100, 3}}, [][]int32{{1, 1, 1}}},
		4: {[][]int32{{4, 5}}, [][]int32{{-100, 5}}, [][]int32{{1, 1}}},
		6: {[][]int32{{6, 7, 8, 9}}, [][]int32{{-100, -100, 8, 9}}, [][]int32{{1, 1, 1, 1}}},
	}
	steps := batches(list, 2, 1, 3)
	if len(steps) != 2 || len(steps[0].IDs) != 2 || len(steps[1].IDs) != 1 {
		t.Fatalf("steps of the wrong sizes: %v", steps)
	}
	seen := 0
	for _, s := range steps {
		longest := 0
		for i := range s.IDs {
			longest = max(longest, len(want[s.IDs[i][0]].IDs[0]))
		}
		for i := range s.IDs {
			w := want[s.IDs[i][0]]
			n := len(w.IDs[0])
			pad := func(row []int32, v int32) []int32 {
				for len(row) < longest {
					row = append(row, v)
				}
				return row
			}
			if diff := cmp.Diff([][]int32{pad(w.IDs[0][:n:n], 0), pad(w.Labels[0][:n:n], -100), pad(w.Mask[0][:n:n], 0)}, [][]int32{s.IDs[i], s.Labels[i], s.Mask[i]}); diff != "" {
				t.Error(diff)
			}
			seen++
		}
	}
	if seen != len(list) {
		t.Errorf("%d rows of %d", seen, len(list))
	}
	if cmp.Equal(batches(list, 1, 1, 1), batches(list, 1, 1, 2)) && cmp.Equal(batches(list, 1, 1, 1), batches(list, 1, 1, 3)) {
		t.Error("three seeds gave one order")
	}
}

func TestWrite(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(b.dir, "results"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(b.result("score.300", "sections", 2), scored{Gold: 50, Base: 0.1, Graft: 0.62, PEFT: 0.6, Served: 0.61, Same: 0.98, Agree: 0.96}); err != nil {
		t.Fatal(err)
	}
	doc := "before\n"
	for _, x := range tables {
		doc += "<!-- table " + x.name + " -->\nstale\n<!-- end -->\n"
	}
	path := filepath.Join(b.dir, "doc.md")
	if err := os.WriteFile(path, []byte(doc+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was written is found again
		if err := b.write(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if row := "| sections | 2 | 50 | 10.0 | 62.0 | 60.0 | 2.0 | 61.0 | 98 % | 96 % |"; strings.Count(got, row) != 1 {
		t.Errorf("not once: %s in\n%s", row, got)
	}
	if strings.Contains(got, "stale") || !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "after\n") || strings.Count(got, "Not measured yet.") != len(tables)-1 {
		t.Error(got)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.write(path); err == nil {
		t.Error("a document without marks was written")
	}
}
