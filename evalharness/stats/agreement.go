package stats

import (
	"cmp"
	"math"
	"slices"
)

// Missing is a vote that was not given.
const Missing = -1

// Votes are categories, counted from 0, by item and rater; Missing where there is none.
type Votes [][]int

// Agreement is a measure of how far raters agree beyond chance: 1 wholly, 0 as chance
// would have it. Low and High are an interval of 95 % from drawing items anew.
type Agreement struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// measures of Agree, by name. NaN: not defined for such votes.
var measures = []struct {
	name string
	f    func(Votes, int) float64
}{
	{"raw", func(v Votes, _ int) float64 { return Raw(v) }},
	{"cohen", func(v Votes, _ int) float64 { return Cohen(v) }},
	{"fleiss", Fleiss},
	{"krippendorff", func(v Votes, _ int) float64 { return Krippendorff(v, Nominal) }},
	{"ac1", AC1},
}

// Agree measures the agreement in all ways that the votes allow.
func Agree(v Votes, categories int, seed uint64) (list []Agreement) {
	for _, m := range measures {
		value := m.f(v, categories)
		if math.IsNaN(value) {
			continue
		}
		drawn := draw(len(v), 1_000, func(pick []int) float64 {
			again := make(Votes, len(pick))
			for i, k := range pick {
				again[i] = v[k]
			}
			return m.f(again, categories)
		}, nil, seed)
		drawn = slices.DeleteFunc(drawn, math.IsNaN)
		low, high := percentiles(drawn, .025, .975)
		list = append(list, Agreement{m.name, value, low, high})
	}
	return list
}

// Raw is the share of pairs of votes on the same item that are equal.
func Raw(v Votes) float64 {
	sum, items := 0.0, 0
	for _, row := range v {
		same, pairs := 0, 0
		for i, a := range row {
			for _, b := range row[:i] {
				if a != Missing && b != Missing {
					pairs++
					if a == b {
						same++
					}
				}
			}
		}
		if pairs > 0 {
			sum += float64(same) / float64(pairs)
			items++
		}
	}
	return sum / float64(items) // NaN without any
}

// Cohen is kappa of two raters, over the items that both rated; NaN for other numbers of
// raters (Cohen, 1960).
func Cohen(v Votes) float64 {
	n, same := 0.0, 0.0
	first, second := map[int]float64{}, map[int]float64{}
	for _, row := range v {
		if len(row) != 2 {
			return math.NaN()
		}
		if row[0] == Missing || row[1] == Missing {
			continue
		}
		n++
		same += oneIf(row[0] == row[1])
		first[row[0]]++
		second[row[1]]++
	}
	chance := 0.0
	for k, c := range first {
		chance += c / n * second[k] / n
	}
	return beyond(same/n, chance)
}

// beyond is agreement beyond chance; 1 where nothing else could be.
func beyond(seen, chance float64) float64 {
	const rounding = 1e-12 // of sums of shares
	if chance >= 1-rounding && seen >= 1-rounding {
		return 1
	}
	return (seen - chance) / (1 - chance)
}

// counts are the votes of each category on each item.
func (v Votes) counts(categories int) [][]float64 {
	all := make([][]float64, len(v))
	for i, row := range v {
		all[i] = make([]float64, categories)
		for _, k := range row {
			if k != Missing {
				all[i][k]++
			}
		}
	}
	return all
}

// Fleiss is kappa of any number of raters, each of whom rated each item; NaN when votes
// are missing (Fleiss, 1971).
func Fleiss(v Votes, categories int) float64 {
	shares, seen := make([]float64, categories), 0.0
	for _, c := range v.counts(categories) {
		r, pairs := 0.0, 0.0
		for k, n := range c {
			r += n
			pairs += n * (n - 1)
			shares[k] += n
		}
		if r != float64(len(v[0])) || r < 2 {
			return math.NaN()
		}
		seen += pairs / (r * (r - 1)) / float64(len(v))
	}
	all, chance := 0.0, 0.0
	for _, n := range shares {
		all += n
	}
	for _, n := range shares {
		chance += n / all * n / all
	}
	return beyond(seen, chance)
}

// AC1 is Gwet's measure, which does not fall when one category has nearly all votes
// (Gwet, "Computing inter-rater reliability and its variance in the presence of high
// agreement", 2008).
func AC1(v Votes, categories int) float64 {
	seen, rated, paired := 0.0, 0.0, 0.0
	shares := make([]float64, categories)
	for _, c := range v.counts(categories) {
		r, pairs := 0.0, 0.0
		for _, n := range c {
			r += n
			pairs += n * (n - 1)
		}
		if r == 0 {
			continue
		}
		rated++
		for k, n := range c {
			shares[k] += n / r
		}
		if r > 1 {
			paired++
			seen += pairs / (r * (r - 1))
		}
	}
	chance := 0.0
	for _, s := range shares {
		chance += s / rated * (1 - s/rated)
	}
	return beyond(seen/paired, chance/float64(categories-1))
}

// Level is what may be done with categories.
type Level int

// Levels: they are names, ranks, or numbers.
const (
	Nominal Level = iota
	Ordinal
	Interval
)

// Krippendorff is alpha, 1 - D_o/D_e, for any number of raters with votes missing
// (Krippendorff, "Computing Krippendorff's alpha-reliability", 2011). 1 when all votes
// are the same.
func Krippendorff(v Votes, level Level) float64 {
	categories := 0
	for _, row := range v {
		for _, k := range row {
			categories = max(categories, k+1)
		}
	}
	totals, seen := make([]float64, categories), 0.0
	var units [][]float64
	for _, c := range v.counts(categories) {
		r := 0.0
		for _, n := range c {
			r += n
		}
		if r < 2 {
			continue
		}
		units = append(units, c)
		for k, n := range c {
			totals[k] += n
		}
	}
	n := 0.0
	for _, t := range totals {
		n += t
	}
	if n == 0 {
		return math.NaN()
	}
	for _, c := range units {
		r, d := 0.0, 0.0
		for _, n := range c {
			r += n
		}
		for i := range c {
			for j := range c {
				d += c[i] * c[j] * distance(totals, i, j, level)
			}
		}
		seen += d / (r - 1)
	}
	chance := 0.0
	for i := range totals {
		for j := range totals {
			chance += totals[i] * totals[j] * distance(totals, i, j, level)
		}
	}
	if chance == 0 {
		return 1
	}
	return 1 - seen/(chance/(n-1))
}

// distance is the squared distance of two categories.
func distance(totals []float64, i, j int, level Level) float64 {
	switch level {
	case Interval:
		return float64((i - j) * (i - j))
	case Ordinal:
		sum := -(totals[i] + totals[j]) / 2
		for k := min(i, j); k <= max(i, j); k++ {
			sum += totals[k]
		}
		if i == j {
			return 0
		}
		return sum * sum
	}
	return oneIf(i != j)
}

// ranked is the order of values, smallest first.
func ranked(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	return order
}
