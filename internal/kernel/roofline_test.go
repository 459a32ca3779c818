//go:build unix

package kernel

import "testing"

// TestMeasurePeaks holds the peaks to what no machine is below and none above.
func TestMeasurePeaks(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		p := MeasurePeaks(nil, 8<<20, 3)
		for name, v := range map[string]float64{"read": p.ReadBytes, "float32": p.FMA32, "int8": p.Int8} {
			if v < 1e7 || v > 2e12 {
				t.Errorf("%s: %.3g per second", name, v)
			}
		}
		t.Logf("read %.1f GB/s, float32 %.1f GFLOPS, int8 %.1f GOPS", p.ReadBytes/1e9, p.FMA32/1e9, p.Int8/1e9)
	})
}

// TestPeakReadInBounds: the loop reads whole chunks up to a page that may not be read.
func TestPeakReadInBounds(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, n := range []int{peakChunk - 1, peakChunk, 3 * peakChunk, 5*peakChunk + 100} {
			readAll(guarded(t, n, false))
		}
		readAll(nil)
		fmaLoop(0)
		int8Loop(0)
	})
}
