package metrics

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pool are what random texts are made of: what Python and Go read differently, what
// tokenizers part, and letters of several scripts.
var pool = strings.Split("a|A|an|the|The|cat|cats|Running|nationally|generally|dying|archaeology|x|ii|42|3,5|1.5|7-|-7|-|--|.|,|,,|..|;|don't|"+
	"(yes)|\"q\"|<skipped>|&quot;|&amp;lt;|&lt;|&|$5|a_b|_|{x}|`|~|New|york|new york|españa|a\u0301|é|İ|İstanbul|Kelvin|ΟΔΟΣ|ΑΣ'|ΑΣΑ|Σ|Σ.Σ|"+
	"«|–|’|猫|東京|мир|Привет|ß|ẞ|ﬁ|🙂|👩‍🔬|नमस्ते|ॐ|½|²|٣|Ⅷ|ǅ|ª|ʰ|\u00a0|\u2003|\u200b|\u2028|\x1c|\x1f|\x85|\x0b|\t|\n|\n\n|-\n|\r\n|\ufeff", "|")

func randomText(rnd *rand.Rand) string {
	var b strings.Builder
	glue := []string{" ", " ", " ", "", "\n"}[rnd.IntN(5)]
	for range rnd.IntN([]int{1, 3, 8, 25, 80}[rnd.IntN(5)] + 1) {
		b.WriteString(pool[rnd.IntN(len(pool))])
		switch rnd.IntN(30) {
		case 0:
			b.WriteRune(rune(rnd.IntN(0xd800))) // any character of the lower planes
		case 1:
			b.WriteRune(rune(0x10000 + rnd.IntN(0x10000)))
		}
		b.WriteString(glue)
	}
	return b.String()
}

// randomCase is a case whose texts share more or less.
func randomCase(rnd *rand.Rand) wireCase {
	c := wireCase{Prediction: randomText(rnd)}
	for range 1 + rnd.IntN(3) {
		words := strings.SplitAfter(c.Prediction, " ")
		for range rnd.IntN(5) {
			words[rnd.IntN(len(words))] = pool[rnd.IntN(len(pool))] + " "
		}
		if rnd.IntN(4) == 0 {
			rnd.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		}
		text := strings.Join(words[rnd.IntN(len(words)):], "")
		if rnd.IntN(5) == 0 {
			text = randomText(rnd)
		}
		c.References = append(c.References, text)
	}
	return c
}

func randomWord(rnd *rand.Rand) string {
	ends := []string{"s", "es", "ies", "ied", "eed", "ed", "ing", "y", "ly", "ally", "logi", "logy", "ational", "ization", "fulness", "bli", "biliti",
		"icate", "ative", "ical", "ness", "al", "ement", "ion", "ou", "e", "ll", "lle", "*d", "é"}
	w := make([]byte, rnd.IntN(7))
	for i := range w {
		w[i] = "aeiouyybcdfghklmnprstvwxz"[rnd.IntN(25)]
	}
	text := string(w)
	for range rnd.IntN(4) {
		text += ends[rnd.IntN(len(ends))]
	}
	return text
}

// TestPython compares some thousand random cases with the programs themselves.
func TestPython(t *testing.T) {
	if os.Getenv("GRAFT_TEST_PYTHON") == "" {
		t.Skip("GRAFT_TEST_PYTHON names no Python with scikit-learn, rouge_score, sacrebleu, nltk and rapidfuzz")
	}
	cmd := exec.CommandContext(t.Context(), os.Getenv("GRAFT_TEST_PYTHON"), filepath.Join("..", "..", "reference", "metrics.py"), "-")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReaderSize(out, 1<<20)
	rnd := rand.New(rand.NewPCG(6, 6))
	var cases, compared int
	ask := func(r *request) {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
		want, err := answers.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		cases += len(r.Texts) + len(r.Labels) + len(r.Stems)
		compared += check(t, r, want)
	}
	for range 40 {
		r := &request{}
		for range 100 {
			r.Texts = append(r.Texts, randomCase(rnd))
		}
		ask(r)
	}
	for range 20 {
		r := &request{}
		for range 5000 {
			r.Stems = append(r.Stems, randomWord(rnd))
		}
		ask(r)
	}
	for n := range 100 {
		r := &request{}
		names := []string{"a", "b", "c", "d", "I think a", ""}
		for range 1 + rnd.IntN(60) {
			r.Labels = append(r.Labels, wireCase{names[rnd.IntN(1+n%6)], []string{names[rnd.IntN(1+n%4)]}})
		}
		if n%2 == 1 {
			r.Declared = []string{"d", "c", "b", "a"}
		}
		ask(r)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d random cases, %d values compared", cases, compared)
}
