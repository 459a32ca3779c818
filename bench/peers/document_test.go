package main

import (
	"strings"
	"testing"
)

// TestPage: a run writes the section of its own machine, and keeps those of others.
func TestPage(t *testing.T) {
	notes := "## How to read it\n\nIt is fast.\n"
	one := page("", "B, avx2, 2 threads", "| b |\n", notes)
	if want := intro + "\n## B, avx2, 2 threads\n\n| b |\n\n" + notes; one != want {
		t.Fatalf("a first page\n%s", one)
	}
	both := page(one, "A, amx, 2 threads", "| a |\n", notes)
	if again := page(both, "A, amx, 2 threads", "| a |\n", notes); again != both {
		t.Errorf("the same run again changes the page:\n%s", again)
	}
	newer := page(both, "B, avx2, 2 threads", "| newer |\n", strings.Replace(notes, "fast", "faster", 1))
	want := intro + "\n## A, amx, 2 threads\n\n| a |\n\n## B, avx2, 2 threads\n\n| newer |\n\n## How to read it\n\nIt is faster.\n"
	if newer != want {
		t.Errorf("the page of two machines\n%s", newer)
	}
}
