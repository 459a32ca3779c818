package rating

import (
	"context"
	"fmt"
	"math"
	"strings"

	"graft/evalharness"
	"graft/evalharness/stats"
	"graft/internal/store"
)

// leastAlpha is the agreement below which people's votes are no evidence.
const leastAlpha = .4

// ballots are votes turned to the arms: 1 for A, 0 for neither, -1 for B.
type ballots struct {
	first  []map[int]int // of each rater, by item
	second []map[int]int // of repeats
	left   []int         // of each rater: times that the left answer was chosen
	right  []int
	counts []int
}

// count turns votes to the arms.
func count(seed string, r *Round, raters []store.Rater, votes []store.Vote) ballots {
	n := len(raters)
	b := ballots{make([]map[int]int, n), make([]map[int]int, n), make([]int, n), make([]int, n), make([]int, n)}
	shown := make([][]slot, n)
	for i, rater := range raters {
		shown[i] = slots(seed, r.cases(), rater.Number)
		b.first[i], b.second[i] = map[int]int{}, map[int]int{}
	}
	for _, v := range votes {
		i := v.Rater // numbers are places in the list
		if i >= n || v.Slot >= len(shown[i]) {
			continue
		}
		b.counts[i]++
		at, choice := shown[i][v.Slot], v.Choice
		switch choice {
		case -1:
			b.left[i]++
		case 1:
			b.right[i]++
		}
		if at.aLeft {
			choice = -choice // left is A
		}
		if at.repeat {
			b.second[i][at.item] = choice
		} else {
			b.first[i][at.item] = choice
		}
	}
	return b
}

// cases are the mean votes of the items that somebody rated, and which ones these are.
func (b ballots) cases(items int) (means []float64, at []int) {
	for item := range items {
		sum, n := 0, 0
		for i := range b.first {
			if v, ok := b.first[i][item]; ok {
				sum, n = sum+v, n+1
			}
		}
		if n > 0 {
			means, at = append(means, float64(sum)/float64(n)), append(at, item)
		}
	}
	return means, at
}

// newPanel computes what the votes say. The unit is the case: raters are averaged
// within it first. Cases with identical answers are ties; they have no part in the
// agreement, on which nobody was asked.
func newPanel(seed string, r *Round, raters []store.Rater, votes []store.Vote) *evalharness.Panel {
	b := count(seed, r, raters, votes)
	p := &evalharness.Panel{A: r.A.Arm, B: r.B.Arm, Identical: r.Identical, Raters: []evalharness.Rater{}}
	var voters []map[int]int
	for i, rater := range raters {
		if b.counts[i] == 0 {
			continue
		}
		voters = append(voters, b.first[i])
		who := evalharness.Rater{Name: rater.Name, Votes: b.counts[i], Left: b.left[i], Right: b.right[i], Repeats: len(b.second[i])}
		_, who.LeftP = stats.SignTest(who.Left, who.Right)
		for item, choice := range b.second[i] {
			if b.first[i][item] == choice {
				who.Consistent++
			}
		}
		p.Raters = append(p.Raters, who)
	}
	signs := make([]float64, r.Identical, r.Identical+len(r.Items))
	means, at := b.cases(len(r.Items))
	p.Votes = map[string]int{}
	for i, mean := range means {
		vote := 0
		switch {
		case mean > 0:
			p.Wins++
			vote = 1
		case mean < 0:
			p.Losses++
			vote = -1
		}
		signs = append(signs, float64(vote))
		p.Votes[r.Items[at[i]].Case] = vote
	}
	p.Cases = len(signs)
	p.Ties = p.Cases - p.Wins - p.Losses
	if p.Cases > 0 {
		p.Net = float64(p.Wins-p.Losses) / float64(p.Cases)
		p.WinRate = (1 + p.Net) / 2
	}
	p.Low95, p.High95 = netInterval(signs)
	p.P, _ = stats.SignTest(p.Wins, p.Losses)
	p.Agreement = agreement(voters, len(r.Items))
	judge(p)
	return p
}

// judge says whether the panel has a say in the verdict, and which.
func judge(p *evalharness.Panel) {
	alpha := math.NaN()
	for _, a := range p.Agreement {
		if a.Name == "krippendorff" {
			alpha = a.Value
		}
	}
	count := fmt.Sprintf("%d for %s, %d for %s, %d ties (p = %.3f)", p.Wins, p.A, p.Losses, p.B, p.Ties, p.P)
	switch {
	case len(p.Raters) < 2:
		p.Reason = "one person's votes show no agreement; human evidence not used for the verdict: " + count
	case math.IsNaN(alpha):
		p.Reason = "no pair was rated by two people; human evidence not used for the verdict: " + count
	case alpha < leastAlpha:
		p.Reason = fmt.Sprintf("raters do not agree (Krippendorff's alpha %.2f < %.1f); human evidence not used for the verdict: %s", alpha, leastAlpha, count)
	default:
		p.Used = true
		p.Against = p.P < .05 && p.Net < 0
		says := "people who did not know which is which see no clear difference: "
		switch {
		case p.Against:
			says = "people who did not know which is which prefer " + p.B + ": "
		case p.P < .05:
			says = "people who did not know which is which prefer " + p.A + ": "
		}
		p.Reason = fmt.Sprintf("%s%s, alpha %.2f", says, count, alpha)
	}
}

// reveal tells a rater what they chose.
func (s *Service) reveal(ctx context.Context, stored store.Rating, r *Round, rater store.Rater) (*Reveal, error) {
	raters, err := s.Store.Raters(ctx, stored.ID)
	if err != nil {
		return nil, err
	}
	votes, err := s.Store.Votes(ctx, stored.ID)
	if err != nil {
		return nil, err
	}
	p := newPanel(stored.Seed, r, raters, votes)
	out := &Reveal{Arms: []string{r.A.Arm, r.B.Arm}, Panel: [3]int{p.Wins, p.Ties, p.Losses}, Reason: strings.ToUpper(p.Reason[:1]) + p.Reason[1:]}
	for _, choice := range count(stored.Seed, r, raters, votes).first[rater.Number] {
		out.Yours[1-choice]++
	}
	return out, nil
}
