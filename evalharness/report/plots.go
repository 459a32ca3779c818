package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"graft/evalharness"
)

// Widths of plots: that of all, and of the column of names.
const (
	plotWidth = 760.
	nameWidth = 250.
)

// intervals draws the differences of comparisons: the thin line holds 95 %, the thick
// one 90 %; the band is the margin around nothing.
func intervals(r *evalharness.Result) template.HTML {
	var shown []evalharness.Comparison
	values := []float64{0}
	for _, c := range r.Comparisons {
		v := c.Verdict
		if c.Metric == r.Settings.Primary && finite(v.Diff, v.Low95, v.High95) {
			shown = append(shown, c)
			values = append(values, v.Low95, v.High95, v.Margin, -v.Margin)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	u := unitOf(metricNamed(r, r.Settings.Primary))
	const row = 46.
	d := newDrawing(plotWidth, row*float64(len(shown))+46, "Differences between the arms with their intervals")
	low, high := span(.06, values...)
	x := axis{low, high, nameWidth, plotWidth - 90}
	bottom := row*float64(len(shown)) + 8
	m := shown[0].Verdict.Margin
	d.rect("band", x.at(-m), 8, x.at(m)-x.at(-m), bottom-8)
	for _, t := range x.ticks(7) {
		d.line("grid", x.at(t), 8, x.at(t), bottom)
		d.text("tick", "middle", x.at(t), bottom+17, strings.Replace(u.diff(t), "+0.0", "0", 1))
	}
	d.line("zero", x.at(0), 8, x.at(0), bottom)
	for i, c := range shown {
		v, y := c.Verdict, 8+row*(float64(i)+.5)
		d.text("name", "end", nameWidth-14, y-3, clip(c.A, 32))
		d.text("tick", "end", nameWidth-14, y+13, "against "+clip(c.B, 27))
		class := tone(v.Outcome)
		d.line("thin "+class, x.at(v.Low95), y, x.at(v.High95), y)
		if finite(v.Low90, v.High90) && (v.Low90 != 0 || v.High90 != 0) {
			d.line("thick "+class, x.at(v.Low90), y, x.at(v.High90), y)
		}
		d.circle("dot "+class, x.at(v.Diff), y, 6)
		d.text("name", "start", plotWidth-76, y+4, u.diff(v.Diff))
	}
	d.text("tick", "middle", (x.from+x.to)/2, bottom+34, "← B is better · difference in "+r.Settings.Primary+" · A is better →")
	return d.done()
}

// values draws the arms' values of the primary metric with their intervals.
func values(r *evalharness.Result) template.HTML {
	if len(r.Arms) == 0 {
		return ""
	}
	u := unitOf(metricNamed(r, r.Settings.Primary))
	const row = 30.
	all := make([]float64, 0, 3*len(r.Arms))
	for _, a := range r.Arms {
		all = append(all, a.Primary)
		if v, ok := a.Metrics[r.Settings.Primary]; ok {
			all = append(all, v.Low, v.High)
		}
	}
	d := newDrawing(plotWidth, row*float64(len(r.Arms))+32, "Value of each arm")
	low, high := span(.06, all...)
	x := axis{low, high, nameWidth, plotWidth - 90}
	bottom := row*float64(len(r.Arms)) + 8
	for _, t := range x.ticks(7) {
		d.line("grid", x.at(t), 8, x.at(t), bottom)
		d.text("tick", "middle", x.at(t), bottom+17, u.value(t))
	}
	for i, a := range r.Arms {
		y := 8 + row*(float64(i)+.5)
		d.text("name", "end", nameWidth-14, y+4, clip(a.Name, 32))
		if v, ok := a.Metrics[r.Settings.Primary]; ok && finite(v.Low, v.High) {
			d.line("thin", x.at(v.Low), y, x.at(v.High), y)
		}
		if finite(a.Primary) {
			d.circle("dot", x.at(a.Primary), y, 5)
		}
		d.text("name", "start", plotWidth-76, y+4, u.value(a.Primary))
	}
	return d.done()
}

// ladder draws what each rung costs for a correct answer, on a logarithmic scale,
// and how good it is.
func ladder(r *evalharness.Result) template.HTML {
	if r.Ladder == nil {
		return ""
	}
	u := unitOf(metricNamed(r, r.Settings.Primary))
	var costs, quality []float64
	for _, g := range r.Ladder.Rungs {
		if g.CostPerCorrect != nil && *g.CostPerCorrect > 0 && finite(*g.CostPerCorrect, g.Value) {
			costs = append(costs, math.Log10(*g.CostPerCorrect))
			quality = append(quality, g.Value, g.Low, g.High)
		}
	}
	if len(costs) == 0 {
		return ""
	}
	const height = 330.
	d := newDrawing(plotWidth, height, "Quality of each rung against its cost")
	lowX, highX := span(.15, costs...)
	lowY, highY := span(.08, quality...)
	x, y := axis{lowX, highX, 76, plotWidth - 30}, axis{lowY, highY, height - 50, 14}
	for _, t := range y.ticks(5) {
		d.line("grid", x.from, y.at(t), x.to, y.at(t))
		d.text("tick", "end", x.from-8, y.at(t)+4, u.value(t))
	}
	costUnit := r.Ladder.Rungs[0].CostUnit
	steps := []float64{1, 1.5, 2, 3, 5, 7}
	if highX-lowX > 1 {
		steps = []float64{1, 3}
	}
	for e := math.Floor(lowX); e <= highX; e++ {
		for _, m := range steps {
			if v := e + math.Log10(m); v >= lowX && v <= highX {
				d.line("grid", x.at(v), y.to, x.at(v), y.from)
				d.text("tick", "middle", x.at(v), y.from+18, cost(math.Pow(10, v), costUnit))
			}
		}
	}
	d.text("tick", "middle", (x.from+x.to)/2, height-8, "cost per correct answer → dearer")
	var labels [][2]float64
	for _, g := range r.Ladder.Rungs {
		if g.CostPerCorrect == nil || *g.CostPerCorrect <= 0 || !finite(*g.CostPerCorrect, g.Value) {
			continue
		}
		at := x.at(math.Log10(*g.CostPerCorrect))
		class := "dot"
		switch {
		case g.Arm == r.Ladder.Recommend:
			class = "dot good"
		case !g.Tied && g.Arm != r.Ladder.Best:
			class = "dot plain"
		}
		if finite(g.Low, g.High) {
			d.line("thin", at, y.at(g.Low), at, y.at(g.High))
		}
		d.circle(class, at, y.at(g.Value), 6)
		anchor, off := "start", 11.
		if at > plotWidth*.66 {
			anchor, off = "end", -11
		}
		place := [2]float64{at, y.at(g.Value) - 7}
		for _, other := range labels {
			if math.Abs(other[0]-place[0]) < 90 && math.Abs(other[1]-place[1]) < 14 {
				place[1] = other[1] + 22 // below the dot that another stands on
			}
		}
		labels = append(labels, place)
		d.text("name", anchor, at+off, place[1], clip(g.Arm, 30))
	}
	return d.done()
}

// cost writes a rung's cost in the unit it was measured in.
func cost(v float64, unit string) string {
	if unit == "ms" {
		return millis(v)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// losses draws the loss curve of the job that made the adapter.
func losses(t *evalharness.Training) template.HTML {
	if t == nil {
		return ""
	}
	var train, valid [][2]float64
	var steps, all []float64
	for _, p := range t.Loss {
		if finite(p.Train) {
			train = append(train, [2]float64{float64(p.Step), p.Train})
			all, steps = append(all, p.Train), append(steps, float64(p.Step))
		}
		if p.Valid != nil && finite(*p.Valid) {
			valid = append(valid, [2]float64{float64(p.Step), *p.Valid})
			all, steps = append(all, *p.Valid), append(steps, float64(p.Step))
		}
	}
	if len(all) < 2 {
		return ""
	}
	const height = 260.
	d := newDrawing(plotWidth, height, "Loss of the training by step")
	lowX, highX := span(0, steps...)
	lowY, highY := span(.08, all...)
	x, y := axis{lowX, highX, 62, plotWidth - 20}, axis{lowY, highY, height - 46, 14}
	for _, v := range y.ticks(5) {
		d.line("grid", x.from, y.at(v), x.to, y.at(v))
		d.text("tick", "end", x.from-8, y.at(v)+4, fmt.Sprintf("%.3g", v))
	}
	for _, v := range x.ticks(8) {
		d.text("tick", "middle", x.at(v), y.from+18, fmt.Sprintf("%.0f", v))
	}
	for _, c := range []struct {
		class  string
		points [][2]float64
	}{{"curve", train}, {"curve second", valid}} {
		on := make([][2]float64, len(c.points))
		for i, p := range c.points {
			on[i] = [2]float64{x.at(p[0]), y.at(p[1])}
		}
		d.path(c.class, on)
		if len(on) <= 40 {
			for _, p := range on {
				d.circle("small "+c.class, p[0], p[1], 2.5)
			}
		}
	}
	d.line("curve", x.to-200, height-12, x.to-176, height-12)
	d.text("tick", "start", x.to-170, height-8, "training")
	d.line("curve second", x.to-100, height-12, x.to-76, height-12)
	d.text("tick", "start", x.to-70, height-8, "validation")
	d.text("tick", "middle", (x.from+x.to)/2, height-8, "step")
	return d.done()
}

// tone is the class of an outcome's colour.
func tone(outcome string) string {
	switch outcome {
	case evalharness.ClearWin:
		return "good"
	case evalharness.Loss, evalharness.Invalid:
		return "bad"
	case evalharness.NotEnough, evalharness.WinBelowMargin:
		return "warn"
	}
	return "even"
}
