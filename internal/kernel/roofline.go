package kernel

import "time"

// Peaks are what this machine can do at most, measured with loops that do nothing else.
type Peaks struct {
	ReadBytes  float64 // per second, of memory far larger than the caches of a core
	FMA32      float64 // operations per second on float32 numbers, two for each multiply and add
	Int8       float64 // the same on eight-bit integers, in the way the products here use them
	MemorySize int     // bytes that were read over
}

// MeasurePeaks takes the best of rounds on the workers of p, each of some milliseconds.
// A neighbour on the machine lowers it. size is the memory to read over, in bytes.
func MeasurePeaks(p *Pool, size, rounds int) Peaks {
	workers := p.Workers()
	share := size / workers / peakChunk * peakChunk
	t := &peak{memory: make([]byte, workers*share), share: share}
	for i := range t.memory {
		t.memory[i] = byte(i) // pages that were never written are all the same one
	}
	out := Peaks{MemorySize: len(t.memory)}
	best := func(kind peakKind, work float64) float64 {
		t.kind = kind
		rate := 0.0
		for range rounds {
			start := time.Now()
			p.Run(workers, t)
			rate = max(rate, float64(workers)*work/time.Since(start).Seconds())
		}
		return rate
	}
	out.ReadBytes = best(peakRead, float64(share))
	const steps = 1 << 21 // some milliseconds: waking a worker takes a tenth of one
	t.steps = steps
	lanes, bytes := peakWidth()
	out.FMA32 = best(peakFMA, 2*float64(steps*lanes))
	out.Int8 = best(peakInt8, 2*float64(steps*bytes))
	return out
}

// peakChunk is what one step of the reading loop takes, in bytes: four pages at a time, since
// a core reads ahead within each page and one after the other is slower.
const peakChunk = 4 * 4096

type peakKind int

const (
	peakRead peakKind = iota
	peakFMA
	peakInt8
)

// peak is the task of MeasurePeaks: every worker does the same.
type peak struct {
	kind   peakKind
	memory []byte
	share  int
	steps  int
}

// Do is one worker.
func (t *peak) Do(i int) {
	switch t.kind {
	case peakRead:
		readAll(t.memory[i*t.share : (i+1)*t.share])
	case peakFMA:
		fmaLoop(t.steps)
	case peakInt8:
		int8Loop(t.steps)
	}
}
