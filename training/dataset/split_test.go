package dataset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"graft/internal/chat"
)

func rowOf(question, answer string) Row {
	return Row{Kind: Chat, Messages: []chat.Message{chat.Text("system", "Answer."), chat.Text("user", question), chat.Text("assistant", answer)}, Weights: []float32{0, 0, 1}}
}

// sentence is words drawn at random.
func sentence(r *rand.Rand, n int) string {
	var words []string
	for range n {
		words = append(words, fmt.Sprintf("w%d", r.IntN(5000)))
	}
	return strings.Join(words, " ")
}

// TestSplit: no prompt and no near-copy on both sides, each label in its share, the
// same division for the same seed.
func TestSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var list []Row
	labels := []string{"a", "a", "a", "a", "a", "a", "b", "b", "b", "c"}
	for i := range 300 {
		q := sentence(r, 30)
		list = append(list, rowOf(q, labels[i%10]))
		switch i % 10 {
		case 3: // the same prompt again, and one that is nearly the same
			list = append(list, rowOf(strings.ToUpper(q)+"!", labels[i%10]))
		case 7:
			list = append(list, rowOf(q+" more", labels[i%10]))
		}
	}
	train, valid, err := Split(list, 0.2, 7)
	if err != nil {
		t.Fatal(err)
	}
	if len(train)+len(valid) != len(list) || len(valid) < 66 || len(valid) > 78 {
		t.Errorf("%d and %d rows of %d", len(train), len(valid), len(list))
	}
	counts := map[string]int{}
	prefix := map[string]bool{}
	for _, i := range valid {
		counts[list[i].Answer()]++
		prefix[start(list[i])] = true
	}
	for label, want := range map[string]int{"a": 42, "b": 24, "c": 6} {
		if n := counts[label]; n < want-3 || n > want+3 {
			t.Errorf("label %s has %d rows of validation, want about %d", label, n, want)
		}
	}
	for _, i := range train {
		if prefix[start(list[i])] {
			t.Errorf("row %d is in validation too, or nearly: %.60s", i, list[i].Asked())
		}
	}
	if _, again, _ := Split(list, 0.2, 7); !slices.Equal(valid, again) {
		t.Error("the same seed gives another division")
	}
	if _, other, _ := Split(list, 0.2, 8); slices.Equal(valid, other) {
		t.Error("another seed gives the same division")
	}
}

// start is what copies and near-copies of the test have in common.
func start(r Row) string { return strings.Join(Words(r.Asked())[:20], " ") }

func TestSplitSmall(t *testing.T) {
	two := []Row{rowOf("one question", "x"), rowOf("a second thing", "y")}
	if train, valid, err := Split(two, 0.1, 1); err != nil || len(train) != 1 || len(valid) != 1 {
		t.Errorf("%v, %v, %v", train, valid, err)
	}
	if train, valid, err := Split(two, 0.9, 1); err != nil || len(train) != 1 || len(valid) != 1 {
		t.Errorf("%v, %v, %v", train, valid, err)
	}
	same := []Row{rowOf("one question", "x"), rowOf("One question?", "y")}
	if _, _, err := Split(same, 0.5, 1); err == nil {
		t.Error("rows of one prompt were divided")
	}
	for _, share := range []float64{0, 1, -1, 2} {
		if _, _, err := Split(two, share, 1); err == nil {
			t.Errorf("a share of %v is accepted", share)
		}
	}
}

// TestGroups: near-duplicates are found by what is their own, not by the instruction
// that all have; the estimate holds against the true resemblance.
func TestGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	instruction := "please read this and say what it is about: " + sentence(r, 150) + " "
	var texts []string
	for range 200 {
		texts = append(texts, instruction+sentence(r, 12))
	}
	base := sentence(r, 200)
	words := strings.Fields(base)
	words[50] = "changed"
	texts = append(texts, base, strings.Join(words, " "), sentence(r, 200))
	for i, g := range Groups(texts) {
		want := i
		if i == 201 {
			want = 200
		}
		if g != want {
			t.Errorf("text %d is in group %d, want %d", i, g, want)
		}
	}
	var off float64
	for range 50 {
		base := sentence(r, 200)
		a, b := shingles(base), shingles(strings.Join(append(slices.Clone(strings.Fields(base)[:100+r.IntN(100)]), strings.Fields(sentence(r, 40))...), " "))
		both := 0
		for _, h := range a {
			if _, ok := slices.BinarySearch(b, h); ok {
				both++
			}
		}
		truth := float64(both) / float64(len(a)+len(b)-both)
		off += resemblance(signature(a, nil, 0), signature(b, nil, 0)) - truth
	}
	if off /= 50; off < -0.02 || off > 0.02 {
		t.Errorf("the estimate is off by %v on average", off)
	}
}

func TestLabels(t *testing.T) {
	var list []Row
	for i := range 30 {
		list = append(list, rowOf(fmt.Sprint(i), []string{"yes", "no ", "maybe"}[i%3]))
	}
	if labels, ok := Labels(list); !ok || labels[1] != "no" {
		t.Errorf("%v, %v", labels, ok)
	}
	for i := range list {
		list[i] = rowOf("q", fmt.Sprintf("answer %d", i))
	}
	if _, ok := Labels(list); ok {
		t.Error("different answers are taken for labels")
	}
}
