package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Judge asks a model, which is to answer with one JSON object and nothing else.
type Judge func(ctx context.Context, prompt string) (string, error)

// verdictOf reads a judge's answer: one JSON object, alone or in a fence of code.
func verdictOf(answer string, into any) error {
	text := trim(answer)
	if inner, ok := strings.CutPrefix(text, "```"); ok {
		inner, _ = strings.CutSuffix(trim(strings.TrimPrefix(inner, "json")), "```")
		text = trim(inner)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("the judge's answer %.80q is not the JSON asked for: %w", answer, err)
	}
	return nil
}

// Pointwise asks for a score from 0 to 1 of one answer. A score outside is clamped.
func Pointwise(ctx context.Context, judge Judge, question, answer, reference string) (float64, error) {
	prompt, err := judgePrompt("Score the answer from 0 (wrong or useless) to 1 (as good as the reference). "+
		`Reply with one JSON object and nothing else: {"score": NUMBER}`, map[string]string{"question": question, "answer": answer, "reference": reference})
	if err != nil {
		return 0, err
	}
	text, err := judge(ctx, prompt)
	if err != nil {
		return 0, fmt.Errorf("judge: %w", err)
	}
	var v struct{ Score *float64 }
	if err := verdictOf(text, &v); err != nil {
		return 0, err
	}
	if v.Score == nil {
		return 0, fmt.Errorf("the judge's answer %.80q has no score", text)
	}
	return min(max(*v.Score, 0), 1), nil
}

// judgePrompt puts what is judged in a JSON object, so that no text of it can pass
// for the instruction's.
func judgePrompt(instruction string, of map[string]string) (string, error) {
	data, err := json.Marshal(of)
	return instruction + "\n\n" + string(data), err
}

// Preference is what a judge said of two answers, asked in both orders.
type Preference struct {
	AB, BA string // "a", "b" or "tie": with a first, and with b first
}

// Win is 1 when a won in both orders, -1 when b did, else 0.
func (p Preference) Win() int {
	switch {
	case p.AB == "a" && p.BA == "a":
		return 1
	case p.AB == "b" && p.BA == "b":
		return -1
	}
	return 0
}

// Pairwise asks which of two answers is better, in both orders.
func Pairwise(ctx context.Context, judge Judge, question, a, b, reference string) (Preference, error) {
	ab, err := ask(ctx, judge, question, a, b, reference)
	if err != nil {
		return Preference{}, err
	}
	ba, err := ask(ctx, judge, question, b, a, reference)
	if err != nil {
		return Preference{}, err
	}
	return Preference{map[string]string{"first": "a", "second": "b", "tie": "tie"}[ab],
		map[string]string{"first": "b", "second": "a", "tie": "tie"}[ba]}, nil
}

func ask(ctx context.Context, judge Judge, question, first, second, reference string) (string, error) {
	prompt, err := judgePrompt("Which answer to the question is better? Neither order nor length counts. "+
		`Reply with one JSON object and nothing else: {"better": "first"}, {"better": "second"} or {"better": "tie"}`,
		map[string]string{"question": question, "first": first, "second": second, "reference": reference})
	if err != nil {
		return "", err
	}
	text, err := judge(ctx, prompt)
	if err != nil {
		return "", fmt.Errorf("judge: %w", err)
	}
	var v struct{ Better string }
	if err := verdictOf(text, &v); err != nil {
		return "", err
	}
	if v.Better != "first" && v.Better != "second" && v.Better != "tie" {
		return "", fmt.Errorf("the judge's answer %.80q is none of first, second and tie", text)
	}
	return v.Better, nil
}

// Preferences sums up what a judge said.
type Preferences struct {
	Wins, Losses, Ties int
	WinRate            float64 // a tie is half a win
	Consistency        float64 // share of pairs judged alike in both orders
	FirstSlot          float64 // share of decided answers for the answer shown first; .5 is fair
}

// Summarize counts preferences. FirstSlot is NaN when nothing was decided.
func Summarize(all []Preference) Preferences {
	var s Preferences
	var alike, first, decided float64
	for _, p := range all {
		switch p.Win() {
		case 1:
			s.Wins++
		case -1:
			s.Losses++
		default:
			s.Ties++
		}
		alike += indicator(p.AB == p.BA)
		first += indicator(p.AB == "a") + indicator(p.BA == "b")
		decided += indicator(p.AB != "tie") + indicator(p.BA != "tie")
	}
	n := float64(max(len(all), 1))
	s.WinRate, s.Consistency = (float64(s.Wins)+float64(s.Ties)/2)/n, alike/n
	s.FirstSlot = math.NaN()
	if decided > 0 {
		s.FirstSlot = first / decided
	}
	return s
}
