package rating

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"graft/evalharness"
)

// Errors, wrapped with what they concern.
var (
	ErrRound      = errors.New("this cannot be rated")
	ErrIncomplete = errors.New("not all votes are there")
)

// Bounds of a round.
const (
	maxItems  = 5000
	maxRaters = 100
	maxName   = 100 // bytes
)

// Round is what is rated: pairs of answers to the same cases.
type Round struct {
	ID    string `json:"id"` // of the run
	Title string `json:"title"`
	A     Side   `json:"a"`
	B     Side   `json:"b"`
	Items []Item `json:"items"` // pairs that differ
	// Identical counts the cases that both arms answered with the same text. They are
	// ties, and nobody is asked.
	Identical int `json:"identical"`
	// References lets the raters see what counts as right.
	References bool `json:"references,omitempty"`
}

// Side is an arm of the comparison, hidden until the round is locked.
type Side struct {
	Arm        string `json:"arm"`
	Model      string `json:"model"`
	Generation string `json:"generation,omitempty"`
}

// Item is a case with the answers of both arms.
type Item struct {
	Case       string                `json:"case"`
	Messages   []evalharness.Message `json:"messages"`
	References []string              `json:"references,omitempty"`
	Outputs    [2]string             `json:"outputs"` // of A, of B
}

// FromResult makes a round of two arms of a run; without names, of those that its
// primary comparison compares. Each pair of arms is a round of its own. Errors: ErrRound.
func FromResult(r *evalharness.Result, a, b string, references bool) (*Round, error) {
	id := r.ID
	main := r.Registered()
	if main == nil && len(r.Comparisons) > 0 {
		main = &r.Comparisons[0]
	}
	switch {
	case a == "" && b == "" && main == nil:
		return nil, fmt.Errorf("%w: run %s compares no arms: name two of them", ErrRound, r.ID)
	case a == "" && b == "":
		a, b = main.A, main.B
	case main != nil && (a != main.A || b != main.B):
		id = pairID(r.ID, a, b)
	}
	left, err := armOf(r, a)
	if err != nil {
		return nil, err
	}
	right, err := armOf(r, b)
	if err != nil {
		return nil, err
	}
	round := &Round{ID: id, Title: r.Name, References: references,
		A: Side{left.Name, left.Model, left.Generation}, B: Side{right.Name, right.Model, right.Generation}}
	answers := [2]map[string]string{outputs(left), outputs(right)}
	for _, c := range r.Gold.Cases {
		item := Item{Case: c.ID, Messages: c.Messages}
		for i := range answers {
			text, ok := answers[i][c.ID]
			if !ok {
				return nil, fmt.Errorf("%w: arm %q has no answer to case %q", ErrRound, []string{a, b}[i], c.ID)
			}
			item.Outputs[i] = text
		}
		if strings.TrimSpace(item.Outputs[0]) == strings.TrimSpace(item.Outputs[1]) {
			round.Identical++
			continue
		}
		if references {
			item.References = c.References
		}
		round.Items = append(round.Items, item)
	}
	return round, round.Check()
}

// pairID is the id of another pair's round. It names no arm, since raters see it.
func pairID(run, a, b string) string {
	sum := sha256.Sum256([]byte(run + "\x00" + a + "\x00" + b))
	return fmt.Sprintf("%s-%x", run, sum[:4])
}

// outputs are the answers of an arm by case; one that never came is empty.
func outputs(a *evalharness.Arm) map[string]string {
	texts := make(map[string]string, len(a.Answers))
	for _, answer := range a.Answers {
		texts[answer.Case] = answer.Output
	}
	return texts
}

func armOf(r *evalharness.Result, name string) (*evalharness.Arm, error) {
	var names []string
	for i := range r.Arms {
		if r.Arms[i].Name == name {
			return &r.Arms[i], nil
		}
		names = append(names, r.Arms[i].Name)
	}
	return nil, fmt.Errorf("%w: run %s has no arm %q, but %s", ErrRound, r.ID, name, strings.Join(names, ", "))
}

// Check says what keeps a round from being rated. Errors: ErrRound.
func (r *Round) Check() error {
	switch {
	case !plainID(r.ID):
		return fmt.Errorf("%w: the id %.60q is not made of 1 to 100 letters, digits, '_', '-' and '.'", ErrRound, r.ID)
	case r.A.Arm == r.B.Arm:
		return fmt.Errorf("%w: %q is compared with itself", ErrRound, r.A.Arm)
	case len(r.Items) == 0:
		return fmt.Errorf("%w: the arms gave the same %d answers", ErrRound, r.Identical)
	case len(r.Items) > maxItems:
		return fmt.Errorf("%w: %d pairs are more than %d", ErrRound, len(r.Items), maxItems)
	case r.Identical < 0:
		return fmt.Errorf("%w: %d identical answers", ErrRound, r.Identical)
	}
	seen := map[string]bool{}
	for _, item := range r.Items {
		if item.Case == "" || seen[item.Case] {
			return fmt.Errorf("%w: the case %.60q is there twice, or has no id", ErrRound, item.Case)
		}
		seen[item.Case] = true
	}
	return nil
}

// plainID tells whether an id can stand in a URL as it is.
func plainID(id string) bool {
	return id != "" && len(id) <= 100 && id != "." && id != ".." && !slices.ContainsFunc([]rune(id), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	})
}
