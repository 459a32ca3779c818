package evalharness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/serving"
)

// TestFoundBefore: what was found before there was an adapter is what the run with it
// takes, and nothing of it is asked again.
func TestFoundBefore(t *testing.T) {
	task := fakeTask(t, 30, "search: {budget: 120, dev_rows: 9}\n")
	f := newFake(func(_, q string, _ *serving.Request) string { return right(q, 60, 1) })
	o := fakeOptions(t, task, f)
	found, err := FindPrompt(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := f.calls
	if found.Solved || before == 0 || before != found.Search.Usage.Calls || !strings.Contains(found.Advice, found.Search.Winner) || found.Search.DevLow >= found.Search.DevHigh {
		t.Errorf("%d calls, found %+v", before, found)
	}
	for model := range f.asked {
		if strings.HasPrefix(model, "tuned") {
			t.Error("the adapter was asked")
		}
	}
	o.Progress = func(stage string, done, _ int) {
		if stage == searchStage {
			t.Errorf("the search is made again: %d", done)
		}
	}
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Search.WinnerHash != found.Search.WinnerHash || !res.Search.Frozen.Equal(found.Search.Frozen) {
		t.Errorf("another winner: %+v, found %+v", res.Search, found.Search)
	}
	// A winner that somebody exchanged is no frozen one.
	list, err := filepath.Glob(filepath.Join(o.Dir, "colours", "searches", "*.json"))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	text, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"max_tokens": 64`, `"max_tokens": 65`, 1)
	if err := os.WriteFile(list[0], []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := FindPrompt(t.Context(), o); err == nil || !strings.Contains(err.Error(), "frozen") {
		t.Errorf("another winner in the file: %v", err)
	}
}

// TestSolved: where prompts leave nothing to gain, it is said before anything is trained.
func TestSolved(t *testing.T) {
	for percent, want := range map[int]string{100: "reach perfection", 97: "less than the margin", 40: "worth trying"} {
		task := fakeTask(t, 30, "dev: dev.jsonl\nsearch: {dev_rows: 60, budget: 2000}\n")
		writeRows(t, filepath.Join(task.dir, "dev.jsonl"), 200, 60)
		f := newFake(func(_, q string, _ *serving.Request) string {
			if percent == 97 && number(q) == 230 {
				return "?"
			}
			if percent > 90 {
				return right(q, 100, 1)
			}
			return right(q, percent, 1)
		})
		found, err := FindPrompt(t.Context(), fakeOptions(t, task, f))
		if err != nil {
			t.Fatal(err)
		}
		if found.Solved != (percent > 90) || !strings.Contains(found.Advice, want) {
			t.Errorf("%d %%: solved %v, %s; want %q", percent, found.Solved, found.Advice, want)
		}
	}
}

// TestProposed: instructions that a model writes are tried on dev like any others, within
// the budget, and made of rows that are neither dev nor gold.
func TestProposed(t *testing.T) {
	const secret = "Name the colour by the number behind the sign #, modulo three."
	task := fakeTask(t, 30, "search: {propose: 3, proposer: writer}\nremotes:\n- {name: writer, kind: openai, url: 'http://127.0.0.1:1', model: large, arm: false}\n")
	var asked []string
	f := newFake(func(model, q string, req *serving.Request) string {
		switch {
		case model == "large":
			asked = append(asked, q)
			if len(asked) == 2 {
				return "Instruction: \"" + secret + "\""
			}
			return secret
		case req.Messages[0].Content[0].Text == secret:
			return right(q, 100, 1)
		}
		return right(q, 30, 1)
	})
	task.Parallel = 1
	o := fakeOptions(t, task, f)
	o.Remotes = map[string]*Endpoint{"writer": {Name: "writer", Backend: f, Identity: "writer", Plain: true}}
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := res.Search
	if s.Candidates[0].Prompt.Instruction != secret || s.Proposer != "large" || len(asked) != 3 || res.Arm(KindBestPrompt).Primary != 1 {
		t.Errorf("the winner is %+v, by %q, of %d proposals", s.Candidates[0], s.Proposer, len(asked))
	}
	proposed := 0
	for _, c := range s.Candidates {
		if strings.HasPrefix(c.Prompt.Variant, "proposed-") && !c.Prompt.Constrained {
			proposed++
		}
	}
	if proposed != 1 { // three times the same
		t.Errorf("%d proposals are tried", proposed)
	}
	if s.Usage.Calls > s.Budget || res.Arm("writer") != nil {
		t.Errorf("%d calls of %d; writer is an arm: %v", s.Usage.Calls, s.Budget, res.Arm("writer") != nil)
	}
	r := newRun(o)
	if err := r.read(); err != nil {
		t.Fatal(err)
	}
	for _, q := range asked {
		if strings.Count(q, "Example ") != proposeExamples || !strings.Contains(q, "one of: blue, green, red") {
			t.Errorf("asked %s", q)
		}
		for _, c := range append(r.dev, r.gold.Cases...) {
			if strings.Contains(q, c.question()) {
				t.Errorf("%s was shown to the proposer", c.ID)
			}
		}
	}
	// A proposer that is not there ends the search, and says so.
	task.Search.Propose = 4
	f.fail = func(int) error { return serving.ErrModelNotFound }
	if _, err := FindPrompt(t.Context(), o); err == nil || !strings.Contains(err.Error(), "search.propose: asking large") {
		t.Errorf("%v", err)
	}
}

func TestInstruction(t *testing.T) {
	for in, want := range map[string]string{
		"  Say red. ": "Say red.", "Instruction: Say red.": "Say red.", "**Instruction:** Say red.": "Say red.", `"Say red."`: "Say red.", "“Say red.”": "Say red.",
		"Sure!\n```text\nSay red.\n```\nThat is it.": "Say red.", "Note: say red": "Note: say red", "": "", `"`: `"`, "```": "```",
	} {
		if got := instruction(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := instruction(strings.Repeat("ä", 3000)); len(got) > maxInstruction+4 || !strings.HasSuffix(got, "ä …") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-10:])
	}
}

// TestCrossfit: without rows but gold, no case has a say in the prompt that it is asked
// with, and the verdict says so.
func TestCrossfit(t *testing.T) {
	task := fakeTask(t, 40, "")
	task.Train = ""
	f := newFake(func(model, q string, req *serving.Request) string {
		if model == "tuned" {
			return right(q, 95, 1)
		}
		return right(q, 40+2*len(req.Messages), 2)
	})
	o := fakeOptions(t, task, f)
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s, c := res.Search, res.Registered()
	if !s.Crossfit || len(s.Folds) != folds || !c.Crossfit || !strings.Contains(c.Verdict.Reason, "cross-fitted") || c.Verdict.Outcome != ClearWin {
		t.Fatalf("search %+v, verdict %+v", s, c.Verdict)
	}
	seen := map[string]int{}
	best := res.Arm(KindBestPrompt)
	for _, fold := range s.Folds {
		for _, id := range fold.Cases {
			seen[id]++
			for i := range best.Answers {
				if a := &best.Answers[i]; a.Case == id {
					own := fold.Search.Candidates[0].Prompt
					want := own.render(&res.Gold.Cases[i], nil, nil)
					if len(a.Asked) != len(want) || a.Asked[0] != want[0] {
						t.Errorf("%s was asked with %+v, its fold's winner is %+v", id, a.Asked, own)
					}
				}
			}
		}
		if fold.Search.DevRows != 32 || len(fold.Cases) != 8 {
			t.Errorf("a fold of %d cases, chosen on %d", len(fold.Cases), fold.Search.DevRows)
		}
	}
	for _, n := range seen {
		if n != 1 || len(seen) != 40 {
			t.Fatalf("%d cases are in folds, one of them in %d", len(seen), n)
		}
	}
	journal, err := OpenJournal(filepath.Join(o.Dir, "colours", "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	if f.calls != len(journal.by) {
		t.Errorf("%d calls for %d answers: what several folds need is asked once", f.calls, len(journal.by))
	}
	e, err := res.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Proven(); err != nil {
		t.Error(err)
	}
	task.Search.Propose = 1
	if _, err := FindPrompt(t.Context(), o); err == nil || !strings.Contains(err.Error(), "search.propose") {
		t.Errorf("a model would be shown gold: %v", err)
	}
	small := fakeTask(t, 9, "")
	small.Train = ""
	if _, err := Run(t.Context(), fakeOptions(t, small, f)); err == nil || !strings.Contains(err.Error(), "give train or dev") {
		t.Errorf("%v", err)
	}
}
