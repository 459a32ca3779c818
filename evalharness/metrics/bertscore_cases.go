package metrics

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// each gives one of P, R and F for each case: that of the best reference, each for
// itself, so that F need not be made of the P and R beside it. NaN: not prepared.
func (b *bertScorer) each(part func(PRF) float64, finish func(float64, func(PRF) float64) float64) func([]Case) []float64 {
	return each(func(p string, refs []string) float64 {
		if len(refs) == 0 {
			return finish(0, part)
		}
		top := math.Inf(-1)
		for _, r := range refs {
			s, ok := b.scores[[2]string{trim(p), trim(r)}]
			if !ok {
				return math.NaN()
			}
			top = max(top, part(s))
		}
		return finish(top, part)
	})
}

// rescaled maps the baseline to 0, where there is one.
func (b *bertScorer) rescaled(x float64, part func(PRF) float64) float64 {
	if b.o.Baseline == nil {
		return x
	}
	base := part(PRF(*b.o.Baseline))
	return (x - base) / (1 - base)
}

func raw(x float64, _ func(PRF) float64) float64 { return x }

// details are precision and recall; the median of F, which one empty answer does not
// move; the number of empty answers; and the raw F where the value is rescaled.
func (b *bertScorer) details(cases []Case) map[string]float64 {
	f := func(s PRF) float64 { return s.F }
	d := map[string]float64{
		"precision": mean(b.each(func(s PRF) float64 { return s.P }, b.rescaled)(cases)),
		"recall":    mean(b.each(func(s PRF) float64 { return s.R }, b.rescaled)(cases)),
		"median":    median(b.each(f, b.rescaled)(cases)),
		"empty":     0,
	}
	for i := range cases {
		if b.empty[trim(cases[i].text())] {
			d["empty"]++
		}
	}
	if b.o.Baseline != nil {
		d["raw_f1"] = mean(b.each(f, raw)(cases))
	}
	return d
}

func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Baseline are the values of BERTScore for unrelated texts, which rescaling maps to 0.
type Baseline struct{ P, R, F float64 }

// maxBaseline bounds a file of baselines, in bytes.
const maxBaseline = 1 << 20

// ReadBaseline reads the row of a layer from a file of bert_score's rescale_baseline:
// comma-separated values with the header LAYER,P,R,F and a row for each layer from 0.
func ReadBaseline(r io.Reader, layer int) (*Baseline, error) {
	lines, err := csv.NewReader(io.LimitReader(r, maxBaseline)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || !slices.Equal(lines[0], []string{"LAYER", "P", "R", "F"}) {
		return nil, fmt.Errorf("the first line of a baseline is LAYER,P,R,F")
	}
	for n, line := range lines[1:] {
		if line[0] != strconv.Itoa(layer) {
			continue
		}
		var v [3]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(line[i+1], 64); err != nil || !(v[i] < 1 && v[i] > -1) {
				return nil, fmt.Errorf("line %d: %q is no number between -1 and 1", n+2, line[i+1])
			}
		}
		return &Baseline{v[0], v[1], v[2]}, nil
	}
	return nil, fmt.Errorf("there is no row of layer %d", layer)
}
