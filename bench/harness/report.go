package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"

	"graft/internal/app/bench"
)

// Result is one figure, with what it has to reach.
type Result struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Spread float64 `json:"spread,omitempty"` // (highest − lowest)/median of the rounds
	Rounds int     `json:"rounds,omitempty"`
	Low    float64 `json:"low,omitempty"` // of the interval in which the value lies at 95 %
	High   float64 `json:"high,omitempty"`
	Reach  string  `json:"reach,omitempty"` // ">= 0.85"
	Met    *bool   `json:"met,omitempty"`
}

// Report is all results of a run.
type Report struct {
	CPU     string    `json:"cpu"`
	Threads int       `json:"threads"`
	Results []Result  `json:"results"`
	Log     io.Writer `json:"-"` // hears of results as they come
}

// NewReport begins a report.
func NewReport(log io.Writer) *Report {
	return &Report{CPU: bench.CPUName(), Threads: runtime.NumCPU(), Log: log}
}

// Add notes the median of values.
func (r *Report) Add(name, unit string, values ...float64) float64 {
	m := Median(values)
	r.add(Result{Name: name, Value: m, Unit: unit, Spread: (slices.Max(values) - slices.Min(values)) / m, Rounds: len(values)})
	return m
}

// AtLeast notes a figure that has to reach want.
func (r *Report) AtLeast(name, unit string, value, want float64) {
	met := value >= want
	r.add(Result{Name: name, Value: value, Unit: unit, Reach: fmt.Sprintf(">= %g", want), Met: &met})
}

// AtMost notes a figure that must not be above want.
func (r *Report) AtMost(name, unit string, value, want float64) {
	met := value <= want
	r.add(Result{Name: name, Value: value, Unit: unit, Reach: fmt.Sprintf("<= %.4g", want), Met: &met})
}

// AtMostWithin is AtMost with the interval, at 95 %, that the value was measured to.
func (r *Report) AtMostWithin(name, unit string, value, low, high, want float64, rounds int) {
	met := value <= want
	r.add(Result{Name: name, Value: value, Unit: unit, Rounds: rounds, Low: low, High: high, Reach: fmt.Sprintf("<= %.4g", want), Met: &met})
}

// Missed names the results that did not reach what they had to.
func (r *Report) Missed() (names []string) {
	for _, x := range r.Results {
		if x.Met != nil && !*x.Met {
			names = append(names, x.Name)
		}
	}
	return names
}

func (r *Report) add(x Result) {
	r.Results = append(r.Results, x)
	fmt.Fprintf(r.Log, "%-58s %12s %-10s", x.Name, number(x.Value), x.Unit)
	if x.Low != x.High {
		fmt.Fprintf(r.Log, " 95 %% in %s to %s,", number(x.Low), number(x.High))
	}
	switch {
	case x.Met != nil && *x.Met:
		fmt.Fprintf(r.Log, " %s: reached", x.Reach)
	case x.Met != nil:
		fmt.Fprintf(r.Log, " %s: MISSED", x.Reach)
	case x.Rounds > 1:
		fmt.Fprintf(r.Log, " median of %d, spread %.0f %%", x.Rounds, 100*x.Spread)
	}
	fmt.Fprintln(r.Log)
}

func number(v float64) string {
	if math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Median of values, of which there is at least one.
func Median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// MedianRatio is the median over the rounds of a[i]/b[i]: what slows a whole
// round down does not count.
func MedianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return Median(ratios)
}
