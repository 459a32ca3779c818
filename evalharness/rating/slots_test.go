package rating

import (
	"fmt"
	"slices"
	"testing"
)

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("case-%03d", i)
	}
	return list
}

// Each block of ten has A on the left five times, every case is shown once, and two
// raters see each case the two ways round.
func TestSlotsAreBalanced(t *testing.T) {
	for n := 1; n <= 67; n++ {
		cases := ids(n)
		for rater := range 6 {
			list := slots("seed", cases, rater)
			first := list[:n]
			var seen []int
			for start := 0; start < n; start += block {
				members := first[start:min(start+block, n)]
				left := 0
				for _, s := range members {
					if seen = append(seen, s.item); s.aLeft {
						left++
					}
				}
				if d := 2*left - len(members); d < -(len(members)%2) || d > len(members)%2 {
					t.Errorf("%d cases, rater %d: A is on the left %d times of %d", n, rater, left, len(members))
				}
			}
			if slices.Sort(seen); !slices.Equal(seen, sorted(n, func(int) []byte { return nil })) {
				t.Errorf("%d cases, rater %d: not every case once: %v", n, rater, seen)
			}
			if rater%2 == 0 {
				continue
			}
			other := map[int]bool{}
			for _, s := range slots("seed", cases, rater-1)[:n] {
				other[s.item] = s.aLeft
			}
			for _, s := range first {
				if other[s.item] == s.aLeft {
					t.Errorf("%d cases: raters %d and %d see item %d the same way round", n, rater-1, rater, s.item)
				}
			}
		}
	}
}

// A tenth is shown again, the other way round, and not right after the first time.
func TestRepeatsAreFlipped(t *testing.T) {
	for n, want := range map[int]int{1: 0, 3: 0, 4: 1, 10: 1, 14: 1, 15: 2, 50: 5, 100: 10} {
		list := slots("seed", ids(n), 3)
		if got := len(list) - n; got != want {
			t.Errorf("%d cases: %d repeats, not %d", n, got, want)
		}
		for at, s := range list {
			if s.repeat != (at >= n) {
				t.Errorf("%d cases: slot %d says repeat=%v", n, at, s.repeat)
			}
			if !s.repeat {
				continue
			}
			before := slices.IndexFunc(list, func(o slot) bool { return o.item == s.item })
			if list[before].aLeft == s.aLeft {
				t.Errorf("%d cases: item %d comes again the same way round", n, s.item)
			}
			if at-before < 2 {
				t.Errorf("%d cases: item %d comes twice in a row", n, s.item)
			}
		}
	}
}

// Another seed, and another rater, gives another order and other sides.
func TestSlotsAreDrawn(t *testing.T) {
	cases := ids(40)
	base := slots("seed", cases, 0)
	if !slices.Equal(base, slots("seed", cases, 0)) {
		t.Error("the same draw differs")
	}
	for name, other := range map[string][]slot{"seed": slots("other", cases, 0), "rater": slots("seed", cases, 2)} {
		same := 0
		for i := range cases {
			if base[i].item == other[i].item {
				same++
			}
		}
		if same > 10 {
			t.Errorf("another %s leaves %d of 40 in place", name, same)
		}
	}
	// Over many cases, sides are as random as a coin: 3 standard deviations.
	left := 0
	for rater := range 200 {
		if slots(fmt.Sprint("s", rater), cases, 0)[7].aLeft {
			left++
		}
	}
	if left < 79 || left > 121 {
		t.Errorf("A is on the left %d times of 200 in one place", left)
	}
}
