package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"

	"graft/bench/harness"
	"graft/internal/app/bench"
)

// roof is what the machine can do at most, in the words of `graft bench roofline`.
type roof struct {
	Read float64 `json:"read_bytes_per_second"`
	F32  float64 `json:"f32_ops_per_second"`
	Int8 float64 `json:"int8_ops_per_second"`
}

// measureRoof measures it on so many threads. Every round that is compared with it has
// its own: machines change their speed.
func (p *peers) measureRoof(ctx context.Context, threads int) (r roof, err error) {
	out, _, err := output(exec.CommandContext(ctx, p.program, "bench", "roofline", "--json", "--quiet",
		"--data-dir", filepath.Join(p.dir, "data"), "--set", engineThreads(threads)))
	if err != nil {
		return roof{}, err
	}
	return r, json.Unmarshal(out, &r)
}

// decodeLimit is the most tokens per second that one stream can have when the one
// before is at position i: each reads all weights, and the keys and values before it.
func decodeLimit(r roof, w *bench.Work, i int) float64 {
	return r.Read / float64(w.WeightBytes+w.ContextBytes(i))
}

// prefillLimit is the most tokens per second of a prompt of n tokens: products of
// eight-bit integers, of the head and what is before it for the last token only. Attention is not counted.
func prefillLimit(r roof, w *bench.Work, n int) float64 {
	return float64(n) * r.Int8 / float64(int64(n)*(w.LayerOps-w.LastOps)+w.LastOps+w.HeadOps)
}

// trainLimit is the most tokens per second of a step of LoRA: forward, and back to the
// inputs, in float32; the base has no gradients.
func trainLimit(r roof, w *bench.Work) float64 {
	return r.F32 / float64(2*(w.LayerOps+w.HeadOps))
}

// deepLimit is the tokens per second that a stream should have at position i when it had
// rate at position near: what lies between is read as fast as memory can be.
func deepLimit(r roof, w *bench.Work, rate float64, near, i int) float64 {
	return 1 / (1/rate + float64(w.ContextBytes(i)-w.ContextBytes(near))/r.Read)
}

// attention is the part of the float32 peak that attention of prompts should reach: as
// much as is asked of a training step.
const attention = 0.5

// longLimit is the tokens per second that a prompt of n tokens should have when one of
// short tokens had rate: products cost each token the same, attention what it looks
// back on.
func longLimit(r roof, w *bench.Work, rate float64, short, n int) float64 {
	attend := func(n int) float64 { return float64(w.ContextOps(0, n)) / (attention * r.F32) }
	products := 1/rate - attend(short)/float64(short)
	return 1 / (products + attend(n)/float64(n))
}

// ceiling notes with the row of a work how near it comes to what it could: the median
// over the rounds of graft's figure over the limit. reach 0: nothing is asked.
func (p *peers) ceiling(work, of string, graft, limits []float64, reach float64) {
	for i := range p.rows {
		if r := &p.rows[i]; r.Work == work {
			r.Share, r.Of, r.ShareReach = harness.MedianRatio(graft, limits), of, reach
			r.ShareMet = reach == 0 || r.Share >= reach
			fmt.Fprintf(p.log, "%-58s %.2f of %s\n", work, r.Share, of)
		}
	}
}
