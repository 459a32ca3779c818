package native

import (
	"fmt"
	"slices"
	"testing"

	"graft/serving"
)

func TestLastMatch(t *testing.T) {
	for _, c := range []struct {
		text, ids string
		at, match int
	}{
		{"", "abc", 0, 0},
		{"abcd", "", 0, 0},
		{"abcd", "xbc", 3, 2},
		{"abcd", "abc", 3, 3},
		{"abcd", "bcd", 0, 0},       // nothing follows
		{"abcxabcy", "abc", 7, 3},   // the last of several
		{"zabcxabcy", "zabc", 4, 4}, // unless another agrees further
		{"abcdefghijk", "abcdefghi", 9, mostMatch},
	} {
		if at, match := lastMatch(ids(c.text), ids(c.ids)); at != c.at || match != c.match {
			t.Errorf("lastMatch(%q, %q) = %d, %d, want %d, %d", c.text, c.ids, at, match, c.at, c.match)
		}
	}
	long := make([]int32, 2*mostLookup)
	copy(long, ids("abc"))
	if _, match := lastMatch(long, ids("ab")); match != 0 {
		t.Error("more was looked through than there should be")
	}
}

func TestNextMatch(t *testing.T) {
	for _, c := range []struct {
		text, ids          string
		reached, at, match int
	}{
		{"", "abc", 0, 0, 0},
		{"abcd", "", 0, 0, 0},
		{"abcxabcy", "abc", 0, 3, 3},   // the first of several
		{"abcxabcy", "abc", 3, 3, 3},   // where the answer is
		{"abcxabcy", "abc", 4, 7, 3},   // after what was passed
		{"abcxabcyz", "abc", 8, 3, 3},  // what was passed, if there is nothing else
		{"abcxzabcy", "zabc", 0, 8, 4}, // unless another agrees further
		{"abcdefghijk", "abcdefghi", 9, 9, mostMatch},
	} {
		if at, match := nextMatch(ids(c.text), ids(c.ids), c.reached); at != c.at || match != c.match {
			t.Errorf("nextMatch(%q, %q, %d) = %d, %d, want %d, %d", c.text, c.ids, c.reached, at, match, c.at, c.match)
		}
	}
}

func TestDrafterPropose(t *testing.T) {
	for _, c := range []struct {
		name, predicted, past, ids string
		n                          int
		want                       string
		hinted                     bool
	}{
		{"nothing is alike", "xyz", "uvw", "abc", 9, "", false},
		{"from the prompt", "", "", "the fox saw the", 9, " fox saw ", false},
		{"from what was predicted", "helloworld", "", "hello", 9, "world", true},
		{"not more than may come", "helloworld", "", "hello", 3, "wor", true},
		{"none may come", "helloworld", "", "hello", 0, "", false},
		{"from an answer before", "", "q: yes, sir", "q: yes", 9, ", sir", false},
		{"whoever agrees most", "e: no", "q: yes, sir", "q: yes", 9, ", sir", false},
		{"the prediction among equals", "yes!", "yes?", "yes", 9, "!", true},
		{"one token alone does not count", "sx", "", "s", 9, "", false},
		{"up to the end", "helloworld", "", "hello", 9, "world", true},
		{"not past an end", "hellowZrld", "", "hello", 9, "w", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := drafter{predicted: ids(c.predicted), past: &past{text: ids(c.past)}, ends: ids("Z")}
			d.propose(ids(c.ids), c.n)
			want := ids(c.want)
			if len(want) > mostDraft {
				want = want[:mostDraft]
			}
			if !slices.Equal(d.draft, want) || d.hinted != c.hinted {
				t.Errorf("%v, hinted %v, want %v, %v", d.draft, d.hinted, want, c.hinted)
			}
		})
	}
}

func TestDrafterLearns(t *testing.T) {
	toks := func(s string) (out []serving.TokenLogprob) {
		for _, id := range ids(s) {
			out = append(out, serving.TokenLogprob{ID: id})
		}
		return out
	}
	d := drafter{predicted: ids("abcdefg"), past: &past{rates: firstRates}}
	d.propose(ids("ab"), 4)
	d.computed = 3
	d.learn(toks("cdx")) // two right, the third wrong
	d.accept()
	d.accept()
	if d.accepted != 2 || d.missed != 1 {
		t.Errorf("%d accepted, %d missed", d.accepted, d.missed)
	}
	r := d.past.rates
	if !(r[0] > firstRates[0] && r[1] > firstRates[1] && r[2] < firstRates[2] && r[3] == firstRates[3]) {
		t.Errorf("rates %v from %v", r, firstRates)
	}
	d.propose(ids("ab"), 4) // not computed: the first guess is known to be wrong even so
	d.learn(toks("x"))
	if d.accepted != 2 || d.missed != 1 || d.past.rates[0] >= r[0] || d.past.rates[1] != r[1] {
		t.Errorf("%d accepted, %d missed, rates %v from %v", d.accepted, d.missed, d.past.rates, r)
	}
}

func TestPast(t *testing.T) {
	p := &past{}
	p.add(ids("prompt:one"), 7)
	if want := append(ids("prompt:one"), noToken); !slices.Equal(p.text, want) {
		t.Errorf("%v, want %v", p.text, want)
	}
	d := drafter{past: p}
	if d.propose(ids("t:on"), 9); !slices.Equal(d.draft, ids("e")) { // and not what comes after
		t.Errorf("guessed %v", d.draft)
	}
	for i := range 100 {
		answer := make([]int32, 50+100*(i%50))
		for j := range answer {
			answer[j] = int32(i)
		}
		p.add(answer, 20)
		if len(p.text) > mostPast {
			t.Fatalf("%d tokens are remembered after %d answers", len(p.text), i)
		}
		if p.text[len(p.text)-2] != int32(i) || p.text[len(p.text)-1] != noToken {
			t.Fatalf("answer %d is not at the end", i)
		}
	}
}

// What one owner's answers were is not looked up for others, nor with other adapters.
func TestPastsAreApart(t *testing.T) {
	var p pasts
	a := p.get("ann", "k")
	if p.get("ann", "k") != a || p.get("bob", "k") == a || p.get("ann", "l") == a {
		t.Error("pasts are shared, or are not kept")
	}
	for i := range 2 * mostPasts {
		p.get(fmt.Sprint(i), "")
		p.get("ann", "k")
	}
	if p.get("ann", "k") != a || len(p.of) > mostPasts {
		t.Errorf("%d pasts, or that of ann is gone", len(p.of))
	}
}
