package native

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestStopFinder(t *testing.T) {
	for _, c := range []struct {
		name   string
		stops  []string
		pieces []string
		want   []string // what each piece shows; then what flush shows
		found  bool
	}{
		{"none", nil, []string{"ab", "c"}, []string{"ab", "c", ""}, false},
		{"inside one piece", []string{"lo"}, []string{"hello world"}, []string{"hel"}, true},
		{"across pieces", []string{"STOP"}, []string{"aS", "TO", "P b"}, []string{"a", "", ""}, true},
		{"a false alarm", []string{"STOP"}, []string{"aST", "ART"}, []string{"a", "START", ""}, false},
		{"held to the end", []string{"STOP"}, []string{"aSTO"}, []string{"a", "STO"}, false},
		{"overlapping itself", []string{"aab"}, []string{"aa", "ab"}, []string{"", "a"}, true},
		{"the first complete wins", []string{"abcd", "bc"}, []string{"abcd"}, []string{"a"}, true},
		{"of two complete the longest wins", []string{"bc", "abc"}, []string{"xabcd"}, []string{"x"}, true},
		{"the order does not matter", []string{"cd", "bc"}, []string{"abcd"}, []string{"a"}, true},
		{"one is the other's beginning", []string{"xyz", "xy"}, []string{"x", "y"}, []string{"", ""}, true},
		{"runes", []string{"é!"}, []string{"café", "s"}, []string{"caf", "és", ""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := stopFinder{stops: c.stops}
			var got []string
			found := false
			for _, p := range c.pieces {
				var text string
				text, found = f.push(p)
				got = append(got, text)
				if found {
					break
				}
			}
			if !found {
				got = append(got, f.flush())
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") || found != c.found {
				t.Errorf("got %q found %v, want %q found %v", got, found, c.want, c.found)
			}
		})
	}
}

// However the text is cut into pieces, what is shown is the text up to the stop
// string that ends first.
func TestStopFinderAnyCut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	letters := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte('a' + byte(rnd.IntN(2)))
		}
		return b.String()
	}
	for range 5000 {
		text := letters(30)
		f := stopFinder{stops: []string{letters(1 + rnd.IntN(6)), letters(3 + rnd.IntN(6))}}
		want := text
		for end := range len(text) {
			for _, s := range f.stops {
				if before, ok := strings.CutSuffix(text[:end+1], s); ok && len(before) < len(want) {
					want = before
				}
			}
			if want != text {
				break
			}
		}
		got, found := "", false
		for rest := text; rest != "" && !found; {
			n := 1 + rnd.IntN(min(5, len(rest)))
			var shown string
			shown, found = f.push(rest[:n])
			got, rest = got+shown, rest[n:]
		}
		if !found {
			got += f.flush()
		}
		if got != want {
			t.Fatalf("%q with stops %q: got %q, want %q", text, f.stops, got, want)
		}
	}
}
