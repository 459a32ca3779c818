package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"graft/internal/chat"
	"graft/training"
	"graft/training/dataset"
)

// plain are rows that no check has anything to say about.
func plain(n int) []dataset.Row {
	subjects := strings.Fields("parcel invoice lamp coat mirror kettle ladder carpet bicycle guitar printer window curtain sofa blanket helmet")
	verbs := strings.Fields("arrived vanished broke leaked melted faded cracked bent")
	places := strings.Fields("Rome Oslo Lima Cairo Perth Quito Dakar Seoul Minsk Turin Basel")
	var out []dataset.Row
	for i := range n {
		s, v, p := subjects[i%16], verbs[(i/16+i)%8], places[(i*7)%11]
		out = append(out, row(i+1, fmt.Sprintf("The %s %s in %s number %d", s, v, p, i*i+17), fmt.Sprintf("We look into what the %s of %s did on day %d", s, p, i)))
	}
	return out
}

func row(line int, question, answer string) dataset.Row {
	return dataset.Row{Line: line, Kind: dataset.Chat, Weights: []float32{0, 0, 1},
		Messages: []chat.Message{chat.Text("system", "Help customers."), chat.Text("user", question), chat.Text("assistant", answer)}}
}

func run(t *testing.T, in Input) *Report {
	t.Helper()
	r, err := Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func set(rows []dataset.Row) *dataset.Set {
	s := &dataset.Set{Kind: dataset.Chat, Rows: rows}
	s.Problems.File = "train.jsonl"
	return s
}

// findings are a report's findings: check, severity, lines.
func findings(r *Report) (out []string) {
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %v", f.Check, f.Severity, f.Lines))
		if f.Message == "" || f.Fix == "" || f.File == "" {
			out = append(out, fmt.Sprintf("a finding says too little: %+v", f))
		}
	}
	return out
}

// TestChecks: rows that are added to good ones are found, with their lines, and by the
// check that is for them alone.
func TestChecks(t *testing.T) {
	const mail = "jane.doe@acme.io"
	for _, c := range []struct {
		name string
		more []dataset.Row // from line 41
		want []string
	}{
		{"nothing", nil, nil},
		{"wrong encoding", []dataset.Row{row(41, "The cafÃ© was closed", "We are sorry about it")}, []string{"encoding warning [41]"}},
		{"replacement", []dataset.Row{row(41, "The caf\ufffd was closed", "We are sorry about it")}, []string{"encoding warning [41]"}},
		{"invisible", []dataset.Row{row(41, "The cafe\u200b was closed", "We are sorry about it")}, []string{"encoding warning [41]"}},
		{"emoji are no fault", []dataset.Row{row(41, "The 👩‍🚀 was closed", "We are sorry about it é ñ Â")}, nil},
		{"copy", []dataset.Row{plain(40)[3]}, []string{"duplicate warning [4]"}},
		{"contradiction", []dataset.Row{row(41, "Is the shop open?", "We close on Mondays"), row(42, "is the shop OPEN", "It opens at nine each day")}, []string{"contradiction warning [41 42]"}},
		{"same answer twice is none", []dataset.Row{row(41, "Is the shop open?", "Yes it is open"), row(42, "Is there parking?", "Yes it is open")}, nil},
		{"other numbers, other answers", []dataset.Row{row(41, "What is 2+2?", "It makes four for us"), row(42, "What is 2-2?", "Nothing is left of it")}, nil},
		{"writing in the other direction", []dataset.Row{row(41, "The \u202egnp.exe was closed", "We are sorry about it")}, []string{"encoding warning [41]"}},
		{"JSON", []dataset.Row{row(41, "Where is it?", `{"Place": "here"}`)}, []string{"mixed_format warning [41]"}},
		{"Markdown", []dataset.Row{row(41, "Where is it?", "We say **here** and there")}, []string{"mixed_format warning [41]"}},
		{"casing", []dataset.Row{row(41, "Where is it?", "over there behind the house")}, []string{"mixed_format warning [41]"}},
		{"punctuation", []dataset.Row{row(41, "Where is it?", "Over there behind the house.")}, []string{"mixed_format warning [41]"}},
		{"white space", []dataset.Row{row(41, "Where is it?", " Over there behind the house")}, []string{"mixed_format warning [41]"}},
		{"long", []dataset.Row{row(41, "Tell me all", strings.Repeat("We tell all that there is ", 40)+"now")}, []string{"length_imbalance warning [41]"}},
		{"an AI", []dataset.Row{row(41, "How old are you?", "As an AI language model I have no age")}, []string{"machine_made warning [41]"}},
		{"refusal", []dataset.Row{row(41, "Where is it?", "I'm sorry, but I cannot help with that")}, []string{"machine_made warning [41]"}},
		{"placeholder", []dataset.Row{row(41, "Where is it?", "Dear [insert name] it is here")}, []string{"machine_made warning [41]"}},
		{"opener", []dataset.Row{row(41, "Where is it?", "Certainly! It is here"), row(42, "Who was that?", "Of course! It was she")}, []string{"machine_made warning [41 42]"}},
		{"one opener may be chance", []dataset.Row{row(41, "Where is it?", "Sure, it is here")}, nil},
		{"template", []dataset.Row{row(41, "[INST] Where is it? [/INST]", "It is over there")}, []string{"template_text warning [41]"}},
		{"key", []dataset.Row{row(41, "Why does AKIAIOSFODNN7EXAMPLE not work", "We ask for another one")}, []string{"secret warning [41]"}},
		{"private key", []dataset.Row{row(41, "-----BEGIN RSA PRIVATE KEY----- abc", "We ask for another one")}, []string{"secret warning [41]"}},
		{"password", []dataset.Row{row(41, "password: hunter2abc is wrong", "We ask for another one")}, []string{"secret warning [41]"}},
		{"mail", []dataset.Row{row(41, "Write to "+mail+" today", "We ask for another one")}, []string{"personal_data warning [41]"}},
		{"mail of an example", []dataset.Row{row(41, "Write to me@example.com today", "We ask for another one")}, nil},
		{"telephone", []dataset.Row{row(41, "Call +49 30 1234567 today", "We ask for another one")}, []string{"personal_data warning [41]"}},
		{"dates are no numbers to call", []dataset.Row{row(41, "It was on 2024-03-11 and 2025-04-12", "We ask for another one")}, nil},
		{"card", []dataset.Row{row(41, "Card 4111 1111 1111 1111 was taken", "We ask for another one")}, []string{"personal_data warning [41]"}},
		{"no card: its check fails", []dataset.Row{row(41, "Order 4111 1111 1111 1112 was taken", "We ask for another one")}, nil},
		{"IBAN", []dataset.Row{row(41, "Pay to DE89 3704 0044 0532 0130 00 soon", "We ask for another one")}, []string{"personal_data warning [41]"}},
	} {
		r := run(t, Input{Set: set(append(plain(40), c.more...))})
		if got := findings(r); !slices.Equal(got, c.want) {
			t.Errorf("%s:\nhave %q\nwant %q", c.name, got, c.want)
			for _, f := range r.Findings {
				t.Logf("%+v", f)
			}
		}
		text, err := json.Marshal(r)
		if err != nil || bytes.Contains(text, []byte(mail)) || bytes.Contains(text, []byte("AKIAIOSFODNN7EXAMPLE")) {
			t.Errorf("%s: a report repeats what is private: %v, %s", c.name, err, text)
		}
	}
}

// TestNearDuplicates: long texts that differ in a word.
func TestNearDuplicates(t *testing.T) {
	list := plain(30)
	text := "The carpet that I bought in the summer of last year has lost its colour where the sun falls through the window of the living room in the early morning and nobody of your people has answered any of the four letters that I wrote about it to the address on the back of the bill"
	list = append(list, row(31, text, "We are looking into it and write to you"), row(32, strings.Replace(text, "four", "five", 1), "We are looking into it and write to you"))
	if got := findings(run(t, Input{Set: set(list)})); !slices.Equal(got, []string{"near_duplicate warning [32]"}) {
		t.Errorf("%q", got)
	}
}

func TestLabelBalance(t *testing.T) {
	list := plain(44)
	for i := range list {
		label := []string{"yes", "no"}[i%2]
		switch i {
		case 5:
			label = "Yes"
		case 8, 9, 10:
			label = "maybe"
		}
		list[i].Messages[2] = chat.Text("assistant", label)
	}
	got := findings(run(t, Input{Set: set(list)}))
	for _, want := range []string{"label_imbalance warning [6]", "mixed_format warning [6]"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if !strings.HasPrefix(strings.Join(got, "|"), "mixed_format warning [6]|label_spelling warning [1 3 5 6 7 13") {
		t.Errorf("%q", got)
	}
}

// TestLabelSigns: signs tell labels apart; case and a full stop do not.
func TestLabelSigns(t *testing.T) {
	list := plain(48)
	for i := range list {
		list[i].Messages[2] = chat.Text("assistant", []string{"C", "C++", "C#", "Go"}[i%4])
	}
	if got := findings(run(t, Input{Set: set(list)})); len(got) > 0 {
		t.Errorf("%q", got)
	}
	list[7].Messages[2] = chat.Text("assistant", "go.")
	if got := findings(run(t, Input{Set: set(list)})); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "label_spelling warning [4 8 ") }) {
		t.Errorf("%q", got)
	}
}

// TestNoPrompt: texts without a prompt have no prompt in common.
func TestNoPrompt(t *testing.T) {
	var list []dataset.Row
	for i, r := range plain(30) {
		list = append(list, dataset.Row{Line: i + 1, Kind: dataset.Completion, Completion: " " + r.Answer()})
	}
	r := run(t, Input{Set: set(list[:20]), Others: []File{{Name: "valid.jsonl", Rows: list[20:]}}})
	for _, f := range findings(r) {
		if strings.HasPrefix(f, "contamination") || strings.HasPrefix(f, "contradiction") {
			t.Errorf("%s: %+v", f, r.Findings)
		}
	}
}

func TestContamination(t *testing.T) {
	long := "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
	list := append(plain(40), row(41, "Read this "+long, "We have read it"))
	other := File{Name: "valid.jsonl", Rows: []dataset.Row{
		list[0],
		row(2, list[1].Messages[1].Content[0].Text, "Another answer to it"),
		row(3, "Somebody wrote "+strings.ToUpper(long), "That is a count"),
		row(4, "What is of its own", "We do not know"),
	}}
	r := run(t, Input{Set: set(list), Others: []File{other}})
	if got := findings(r); !slices.Equal(got, []string{"contamination error [1]", "contamination warning [2]", "contamination warning [3]"}) || r.Findings[0].File != "valid.jsonl" || r.Errors != 1 {
		t.Errorf("%q, %+v", got, r.Findings)
	}
}

// TestGrams: equal runs of words have equal hashes wherever they stand, others do not.
func TestGrams(t *testing.T) {
	text := "a b c d e f g h i j k l m n o p q r s t a b c d e f g h i j k l m x y"
	r := row(1, "before it "+text, text)
	by, hashes := map[string]uint64{}, map[uint64]string{}
	count := 0
	eachGram(&r, func(hash uint64, words []string) {
		count++
		run := strings.Join(words, " ")
		if old, ok := by[run]; ok && old != hash || len(words) != gram {
			t.Errorf("%q has the hashes %x and %x", run, old, hash)
		}
		if old, ok := hashes[hash]; ok && old != run {
			t.Errorf("%q and %q have one hash", old, run)
		}
		by[run], hashes[hash] = hash, run
	})
	if count != (38-12)+(35-12) || len(by) != 3+(35-12)-1 {
		t.Errorf("%d runs, %d different", count, len(by))
	}
}

type vectors map[string][]float32

func (v vectors) Embed(_ context.Context, texts []string) (out [][]float32, err error) {
	for _, s := range texts {
		x, ok := v[s]
		if !ok {
			x = []float32{1, 0}
		}
		out = append(out, x)
	}
	return out, nil
}

// TestMeaning: rows of another file whose vectors point where those of the training do.
func TestMeaning(t *testing.T) {
	other := File{Name: "valid.jsonl", Rows: []dataset.Row{row(1, "near", "Close by it is"), row(2, "far", "Far away it is")}}
	near, far := other.Rows[0].Asked(), other.Rows[1].Asked()
	r := run(t, Input{Set: set(plain(20)), Others: []File{other}, Embedder: vectors{near: {0.96, 0.28}, far: {0.6, 0.8}}})
	if got := findings(r); !slices.Equal(got, []string{"contamination warning [1]"}) {
		t.Errorf("%q", got)
	}
	some := spread(plain(10), 4)
	if len(some) != 4 || some[0].Line != plain(10)[0].Line || some[3].Line != plain(10)[7].Line {
		t.Errorf("4 of 10: %+v", some)
	}
}

type losses []float64

func (l losses) Loss(context.Context, []training.Example) ([]float64, error) { return l, nil }

// TestDifficulty: what the base knows, and what stands out.
func TestDifficulty(t *testing.T) {
	s := set(plain(20))
	var l losses
	for i := range s.Rows {
		s.Examples = append(s.Examples, training.Example{})
		s.Sources = append(s.Sources, dataset.Source{Row: i, Line: i + 1})
		l = append(l, 2+0.1*math.Sin(float64(i)))
	}
	r := run(t, Input{Set: s, Scorer: l})
	if got := findings(r); len(got) > 0 || r.Difficulty == nil || r.Difficulty.Examples != 20 || r.Difficulty.Most != slices.Max(l) || r.Difficulty.Least != slices.Min(l) {
		t.Errorf("%q %+v", got, r.Difficulty)
	}
	l[3], l[7] = 0.1, 6
	if got := findings(run(t, Input{Set: s, Scorer: l})); !slices.Equal(got, []string{"known_already warning [4]", "outlier warning [8]"}) {
		t.Errorf("%q", got)
	}
	// Of long examples only some are scored; lines are still those of the file.
	for i := range s.Examples {
		s.Examples[i].IDs = make([]int32, mostScored/10)
	}
	var scored []float64
	for i := 0; i < len(l); i += 2 {
		scored = append(scored, l[i])
	}
	scored[4] = 9
	r = run(t, Input{Set: s, Scorer: losses(scored)})
	if got := findings(r); !slices.Equal(got, []string{"outlier warning [9]"}) || !strings.Contains(r.Findings[0].Evidence, "10 of 20 examples") {
		t.Errorf("%q, %+v", got, r.Findings)
	}
	if got := sample([]training.Example{{IDs: make([]int32, 2*mostScored)}, {}}, mostScored); !slices.Equal(got, []int{0}) {
		t.Errorf("one long example: %v", got)
	}
	if _, err := Run(t.Context(), Input{Set: s, Scorer: l[1:]}); err == nil {
		t.Error("a loss too few is accepted")
	}
}

// TestPreference: a row that prefers an answer to itself.
func TestPreference(t *testing.T) {
	same := []chat.Message{chat.Text("assistant", "Yes")}
	s := set([]dataset.Row{{Line: 1, Kind: dataset.Preference, Messages: []chat.Message{chat.Text("user", "q")}, Preferred: same, Rejected: same}})
	if got := findings(run(t, Input{Set: s})); !slices.Equal(got, []string{"contradiction error [1]"}) {
		t.Errorf("%q", got)
	}
}

// TestChecksums of numbers that the standards give as examples.
func TestChecksums(t *testing.T) {
	for s, want := range map[string]bool{"4111 1111 1111 1111": true, "5500005555555559": true, "378282246310005": true, "4111111111111112": false, "0000000000000000": false} {
		if luhn(s) != want {
			t.Errorf("card %s: %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"GB82 WEST 1234 5698 7654 32": true, "DE89370400440532013000": true, "GB82 WEST 1234 5698 7654 33": false} {
		if iban(s) != want {
			t.Errorf("account %s: %v", s, !want)
		}
	}
}

// TestReports: a page shows what a row holds as text.
func TestReports(t *testing.T) {
	r := run(t, Input{Set: set(append(plain(12), row(13, "<script>[INST]", "We see <b>that</b> here"), row(14, "x", "<img src=x> [insert name]")))})
	var page, text bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.Text(&text, func(_ Severity, s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>") || strings.Contains(page.String(), "<img") || !strings.Contains(page.String(), "template_text") || strings.Contains(page.String(), "ZgotmplZ") {
		t.Error(page.String())
	}
	if !strings.Contains(text.String(), "warning template_text: 1 row has") || !strings.Contains(text.String(), "line 13") || !strings.Contains(text.String(), "0 errors, 2 warnings") {
		t.Error(text.String())
	}
}

// TestMarks: what is looked at before a pattern never hides what the pattern finds.
func TestMarks(t *testing.T) {
	texts := []string{
		"-----BEGIN PRIVATE KEY-----", "ASIAIOSFODNN7EXAMPLE", "AIza" + strings.Repeat("a", 35), "ghp_" + strings.Repeat("a", 36), "github_pat_" + strings.Repeat("a", 22), "glpat-" + strings.Repeat("a", 20),
		"sk-" + strings.Repeat("a", 20), "rk_live_" + strings.Repeat("a", 16), "xoxb-1234567890", "hf_" + strings.Repeat("a", 30), "npm_" + strings.Repeat("a", 36), "SG." + strings.Repeat("a", 22) + "." + strings.Repeat("a", 43),
		"eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeK", "api_key=abcdefgh1", "PWD: abcdefg1", "https://a:b@c/", "jane.doe@acme.io", "4111111111111111", "DE89370400440532013000", "+49 30 123456", "(555) 123-4567", "555-123-4567", "078-05-1120",
	}
	for _, s := range texts {
		found := false
		for k := range privates {
			if p := &privates[k]; p.at().MatchString(s) {
				if found = true; !p.may(s, countDigits(s)) {
					t.Errorf("%s is not looked for in %q", p.name, s)
				}
			}
		}
		if !found {
			t.Errorf("nothing matches %q", s)
		}
	}
}

// TestEnded: a check of a large file ends with its ctx.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, c := range []check{encoding, duplicates, machine, templates, secrets, contamination} {
		if _, err := c(ctx, &Input{Set: set(plain(40)), Others: []File{{Name: "valid.jsonl", Rows: plain(2)}}, report: &Report{}}); err == nil {
			t.Errorf("check %d goes on", i)
		}
	}
}
