package report

import (
	"fmt"
	"math/rand/v2"
	"time"

	"graft/evalharness"
)

// hostile are texts that would do harm where they are not escaped.
var hostile = []string{
	`<script>document.title="owned"</script>`,
	`"><img src=x onerror="document.title='owned'">`,
	`</style></title></pre><h1>taken</h1>`,
	"=HYPERLINK(\"http://evil.example/\",\"x\")",
	"a | b\n\n# heading\n* item [link](javascript:alert(1)) `code` http://evil.example",
	"]]><failure/>\x00\x1b[31m\u202Ereversed\u2066",
	"{{.R}} ${x} %s",
}

// demo is a result with all that a result can have, drawn from a seed. text gives the
// words of models and people.
func demo(text func(i int) string) *evalharness.Result {
	rng := rand.New(rand.NewPCG(7, 7))
	began := time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)
	labels := []string{"admin", "devel", "net", "science"}
	r := &evalharness.Result{Schema: evalharness.Schema, ID: "eval_4f0c2a9be1", Name: "debian-sections", Started: began, Finished: began.Add(412 * time.Second), Version: "0.1.0",
		Settings: evalharness.Settings{Task: "name: debian-sections\nmetric: accuracy\nmargin: 0.05\n", Hash: "9a1f6c0d5b7e43e2a0c8d5f1b2a3948576e1d0c9b8a7f6e5d4c3b2a190817263", Primary: "accuracy", Margin: .05, Labels: labels, Seed: 42,
			Metrics: []evalharness.Metric{{Name: "accuracy", Signature: "accuracy|labels:declared|v1", Kind: "binary", Scale: 1, Doc: "Share of answers that are the label."}, {Name: "f1_macro", Signature: "f1_macro|labels:declared|sklearn:1.6", Kind: "corpus", Scale: 1}, {Name: "bleu", Signature: "nrefs:1|case:mixed", Kind: "corpus", Scale: 100}}},
		Gold:  evalharness.Gold{File: "gold.jsonl", Hash: "0c5e7d1f"},
		Notes: []string{text(3)},
	}
	skill := []float64{.42, .58, .61, .66, .83}
	names := []string{"base zero-shot", "base few-shot", "base chain of thought", "base best prompt", "adapter sections"}
	kinds := []string{evalharness.KindZeroShot, evalharness.KindFewShot, evalharness.KindChainOfThought, evalharness.KindBestPrompt, evalharness.KindAdapter}
	const n = 96
	for i := range n {
		r.Gold.Cases = append(r.Gold.Cases, evalharness.Case{ID: fmt.Sprintf("case-%03d", i+1), Line: i + 1, References: []string{labels[i%4]}, Tags: []string{[]string{"short", "long"}[i%2]},
			Messages: []evalharness.Message{{Role: "system", Content: "Name the section of the package."}, {Role: "user", Content: text(i)}}})
	}
	right := make([][]bool, len(names))
	for k, name := range names {
		a := evalharness.Arm{Name: name, Kind: kinds[k], Model: "smollm2-135m-instruct", Metrics: map[string]evalharness.Value{},
			Prompt: evalharness.Prompt{Hash: fmt.Sprintf("%064x", 77+k), Variant: []string{"plain", "examples", "steps", "examples, nearest", "as trained"}[k], Instruction: "Name the section of the package.", MaxTokens: 16}}
		if k == 4 {
			a.Model, a.Generation = "sections", "sha256:1f2e3d4c5b6a79880f1e2d3c4b5a69788f9e0d1c2b3a49586776859403122130"
		}
		if k == 1 || k == 3 {
			a.Prompt.Shots, a.Prompt.Choose = 4, "nearest"
			a.Prompt.Examples = []evalharness.Example{{Line: 12, Question: text(5), Answer: "net"}}
		}
		counts := make([][]int, 4)
		for i := range counts {
			counts[i] = make([]int, 5)
		}
		hits := 0
		for i, c := range r.Gold.Cases {
			said := i % 4
			if rng.Float64() > skill[k] {
				said = rng.IntN(5)
			}
			answer := evalharness.Answer{Case: c.ID, Asked: c.Messages, Scores: map[string]float64{"accuracy": 0}, Finish: "stop",
				Usage: evalharness.Usage{Calls: 1, PromptTokens: 40 + 30*k, CompletionTokens: 3, Ms: 90 + 60*float64(k) + 40*rng.Float64()}}
			if said < 4 {
				answer.Output = labels[said]
			} else {
				answer.Output = text(i + k)
			}
			right[k] = append(right[k], said == i%4)
			if said == i%4 {
				hits++
				answer.Scores["accuracy"] = 1
			}
			counts[i%4][said]++
			a.Usage.Calls++
			a.Usage.PromptTokens += answer.Usage.PromptTokens
			a.Usage.CompletionTokens += 3
			a.Usage.Ms += answer.Usage.Ms
			a.Answers = append(a.Answers, answer)
		}
		a.Primary = float64(hits) / n
		a.Metrics["accuracy"] = evalharness.Value{Value: a.Primary, Low: a.Primary - .09, High: a.Primary + .08}
		a.Metrics["f1_macro"] = evalharness.Value{Value: a.Primary - .02, Low: a.Primary - .1, High: a.Primary + .07}
		a.Confusion = &evalharness.Confusion{Labels: labels, Counts: counts}
		r.Arms = append(r.Arms, a)
		r.Ledger = append(r.Ledger, evalharness.LedgerEntry{Arm: name, TrainRows: 480, DevRows: 60, Choosing: evalharness.Usage{Calls: 60 * k, PromptTokens: 9000 * k, Ms: 21000 * float64(k)}, Asking: a.Usage, Trained: int64(k / 4 * 183210)})
	}
	for _, k := range []int{3, 0} {
		c := evalharness.Comparison{A: names[4], B: names[k], Metric: "accuracy", Primary: k == 3}
		v := &c.Verdict
		for i := range n {
			switch a, b := right[4][i], right[k][i]; {
			case a && !b:
				v.Wins++
			case b && !a:
				v.Losses++
			default:
				v.Ties++
			}
		}
		v.N, v.Diff, v.Margin, v.Test = n, float64(v.Wins-v.Losses)/n, .05, "McNemar mid-p"
		v.Low95, v.High95, v.Low90, v.High90, v.P = v.Diff-.11, v.Diff+.10, v.Diff-.09, v.Diff+.085, .004
		v.Outcome, v.Reason = evalharness.ClearWin, "better by more than the margin, and no guard speaks against it"
		v.Guards = []evalharness.Guard{{Name: "format", Passed: true, Detail: "answers not in the form wanted: 1.0 %, of the other arm 4.2 %"}, {Name: "forgetting", Passed: true, Detail: "the loss is at most 2.1 points with 95 %, 5.0 are allowed"}, {Name: "slices", Passed: true, Detail: "no slice of 15 or more cases has become worse"}}
		c.Slices = []evalharness.Slice{{Tag: "short", N: 48, A: .85, B: .63, Diff: .22, Low95: .07, High95: .37, P: .004, Adjusted: .008}, {Tag: "long", N: 48, A: .79, B: .71, Diff: .08, Low95: -.06, High95: .23, P: .27, Adjusted: .27}}
		r.Comparisons = append(r.Comparisons, c)
	}
	cost := func(v float64) *float64 { return &v }
	r.Ladder = &evalharness.Ladder{Best: names[4], Recommend: names[4], Advice: "Fine-tuning is worth it: no prompt comes near the adapter, which is also the cheapest per correct answer but one.", Rungs: []evalharness.Rung{}}
	for k, name := range names {
		a := r.Arms[k]
		r.Ladder.Rungs = append(r.Ladder.Rungs, evalharness.Rung{Arm: name, Kind: kinds[k], Value: a.Primary, Low: a.Metrics["accuracy"].Low, High: a.Metrics["accuracy"].High, PromptTokens: 40 + 30*float64(k), Tokens: 3, Ms: a.Usage.Ms / n, CostPerCorrect: cost(a.Usage.Ms / a.Primary / n), CostUnit: "ms", P: .01 * float64(k), Tied: k == 4})
	}
	r.Ladder.Rungs[4].CostPerCorrect = cost(151)
	r.Forgetting = &evalharness.Forgetting{Suite: "graft-general/1", Items: 360, Base: .47, Adapter: .465, Diff: -.005, Low95: -.021, Margin: .05, Passed: true, BaseBPB: 1.0214, AdaptBPB: 1.0309,
		Subjects: []evalharness.ForgettingByPart{{Name: "geography", Items: 60, Base: .55, Adapter: .55}, {Name: "arithmetic", Items: 60, Base: .31, Adapter: .30}}}
	r.Panel = &evalharness.Panel{A: names[4], B: names[3], Cases: n, Identical: 51, Wins: 27, Losses: 9, Ties: 60, Net: .1875, Low95: .07, High95: .30, WinRate: .59, P: .003, Used: true, Reason: "people who did not know which is which prefer adapter sections: 27 for, 9 against, 60 ties (p = 0.003), alpha 0.71",
		Raters: []evalharness.Rater{{Name: text(0), Votes: 50, Left: 22, Right: 20, LeftP: .88, Repeats: 5, Consistent: 5}, {Name: "Ben", Votes: 50, Left: 19, Right: 21, LeftP: .87, Repeats: 5, Consistent: 4}}, Agreement: []evalharness.Agreement{{Name: "krippendorff", Value: .71, Low: .55, High: .84}}}
	r.Search = &evalharness.Search{DevRows: 60, DevHash: "ab12", Budget: 600, Winner: "examples, nearest", WinnerHash: fmt.Sprintf("%064x", 80), Frozen: began.Add(time.Minute), DevValue: .70, GoldValue: r.Arms[3].Primary, Shrinkage: .70 - r.Arms[3].Primary,
		Candidates: []evalharness.Candidate{{Prompt: r.Arms[3].Prompt, Rows: 60, Value: .7}, {Prompt: r.Arms[0].Prompt, Rows: 20, Value: .4, Out: text(1)}}}
	r.Training = &evalharness.Training{Job: "ftjob-9a7K", Rows: 480, Validation: 60, Tokens: 183210, Seconds: 301, Hyper: map[string]any{"n_epochs": 3, "learning_rate": 2e-4}}
	for s := 1; s <= 90; s++ {
		p := evalharness.TrainingPoint{Step: s, Train: .35 + 1.9/(1+.12*float64(s)) + .12*rng.Float64()}
		if s%15 == 0 {
			valid := .45 + 1.8/(1+.12*float64(s))
			p.Valid = &valid
		}
		r.Training.Loss = append(r.Training.Loss, p)
	}
	r.Lint = []evalharness.LintFinding{{Check: "duplicates", Severity: "warning", Message: text(2), Fix: "drop them", Lines: []int{3, 99}, Count: 2}}
	r.Todo = []evalharness.Todo{{Kind: "cases", Text: "the adapter lost these", Cases: []string{"case-003", "case-010"}, Lines: []int{4, 8}}}
	return r
}

// plain are words that do no harm.
func plain(i int) string {
	return []string{"A command-line tool that lists open sockets and the programs that hold them.", "Statistical routines for large sparse matrices, with bindings for Python.", "Compiler front end for a small functional language.", "Adds and removes user accounts, and keeps their quotas."}[i%4]
}

func evil(i int) string { return hostile[i%len(hostile)] }
