package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"graft/bench/harness"
	"graft/internal/app/bench"
)

// row is one line of the table. Ratios above 1 are in graft's favour.
type row struct {
	Work    string  `json:"work"`
	Unit    string  `json:"unit"`
	Graft   float64 `json:"graft"` // median
	Peer    string  `json:"peer"`  // program and setting, the best there was
	Value   float64 `json:"peer_value"`
	Ratio   float64 `json:"ratio"` // median of the rounds' ratios
	Low     float64 `json:"ratio_low"`
	High    float64 `json:"ratio_high"`
	Reach   float64 `json:"reach,omitempty"` // 0: nothing is asked
	Met     bool    `json:"met"`
	Smaller bool    `json:"smaller_is_better,omitempty"`
	Rounds  int     `json:"rounds"`
	// Of a ceiling, how much of it graft reached: see roof.go.
	Share      float64 `json:"share,omitempty"`
	Of         string  `json:"share_of,omitempty"`
	ShareReach float64 `json:"share_reach,omitempty"`
	ShareMet   bool    `json:"share_met,omitempty"`
	Day        string  `json:"day"`
}

// rates are the figures of a candidate, one for each round.
type rates map[string][]float64

// add notes one round.
func (r rates) add(prefix string, round map[string]float64) {
	for name, v := range round {
		r[prefix+name] = append(r[prefix+name], v)
	}
}

// best is the setting with the best median.
func (r rates) best(smaller bool) string {
	var names []string
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.MaxFunc(names, func(a, b string) int {
		x, y := harness.Median(r[a]), harness.Median(r[b])
		if smaller {
			x, y = y, x
		}
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

// compare adds a row: graft against the best of the peer's settings.
func (p *peers) compare(work, unit string, graft []float64, peer rates, reach float64, smaller bool) {
	best := peer.best(smaller)
	ratios := make([]float64, len(graft))
	for i := range graft {
		if ratios[i] = graft[i] / peer[best][i]; smaller {
			ratios[i] = peer[best][i] / graft[i]
		}
	}
	r := row{Work: work, Unit: unit, Graft: harness.Median(graft), Peer: best, Value: harness.Median(peer[best]), Ratio: harness.Median(ratios),
		Low: slices.Min(ratios), High: slices.Max(ratios), Reach: reach, Smaller: smaller,
		Rounds: len(graft), Day: time.Now().UTC().Format(time.DateOnly)}
	r.Met = reach == 0 || r.Ratio >= reach
	p.note(r)
	fmt.Fprintf(p.log, "%-58s %8.4g / %8.4g %-9s = %.2f (%.2f–%.2f) %s\n", work, r.Graft, r.Value, unit, r.Ratio, r.Low, r.High, best)
}

// alone adds a row that nothing is compared with, but perhaps a ceiling.
func (p *peers) alone(work, unit string, graft []float64) {
	p.note(row{Work: work, Unit: unit, Graft: harness.Median(graft), Met: true, Rounds: len(graft), Day: time.Now().UTC().Format(time.DateOnly)})
	fmt.Fprintf(p.log, "%-58s %8.4g %s\n", work, harness.Median(graft), unit)
}

// note keeps a row, in the place of an earlier one of the same work.
func (p *peers) note(r row) {
	if i := slices.IndexFunc(p.rows, func(o row) bool { return o.Work == r.Work }); i >= 0 {
		p.rows[i] = r
		return
	}
	p.rows = append(p.rows, r)
}

// kept is the file of -keep.
type kept struct {
	CPU     string `json:"cpu"`
	Threads int    `json:"threads"`
	Results []row  `json:"results"`
}

// recall reads the rows of earlier runs; another processor's are of no use here.
func (p *peers) recall(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case k.CPU != bench.CPUName() || k.Threads != p.threads:
		return fmt.Errorf("%s is of %s with %d threads: keep the results of each machine in a file of its own", path, k.CPU, k.Threads)
	}
	p.rows = k.Results
	return nil
}

// keep writes all rows.
func (p *peers) keep(path string) error {
	b, err := json.MarshalIndent(kept{bench.CPUName(), p.threads, p.rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// eachRound runs f for all rounds; a first one, with round -1, warms up.
func (p *peers) eachRound(ctx context.Context, f func(round int) error) error {
	for round := -1; round < p.rounds; round++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(round); err != nil {
			return err
		}
	}
	return nil
}
