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

// TestRenew: rows of work that was not measured now stay, in their places; what is below the table is new.
func TestRenew(t *testing.T) {
	const head = "| work | graft |\n|---|---|\n"
	old := head + "| decode | 1 |\n| prefill | 2 |\n| train | 3 |\n\nPeer: old.\n"
	section := head + "| prefill | 20 |\n| streams | 40 |\n\nPeer: new.\n"
	want := head + "| decode | 1 |\n| prefill | 20 |\n| train | 3 |\n| streams | 40 |\n\nPeer: new.\n"
	if have := renew(old, section); have != want {
		t.Errorf("renewed:\n%s", have)
	}
	if have := renew("", section); have != section {
		t.Errorf("the first of a machine:\n%s", have)
	}
	if have := renew(want, want); have != want {
		t.Errorf("the same again:\n%s", have)
	}
}

// TestRooflineIn: it is that of the machine asked for, and none of another's.
func TestRooflineIn(t *testing.T) {
	page := intro + "\n## A, amx\n\n| a |\n\n## B, avx2\n\n| b |\n\nPeer: x:\n\n```\n1 GB/s\n```\n\n## How to read it\n"
	if roof, ok := rooflineIn(page, "B, avx2"); roof != "1 GB/s\n" || !ok {
		t.Errorf("the roofline of B is %q, %v", roof, ok)
	}
	for _, title := range []string{"A, amx", "C"} {
		if roof, ok := rooflineIn(page, title); ok {
			t.Errorf("%s has the roofline %q", title, roof)
		}
	}
}
