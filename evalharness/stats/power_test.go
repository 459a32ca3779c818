package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The table of detectable differences in points, by exact computation; 0: not reachable.
func TestDetectable(t *testing.T) {
	psis := []float64{.10, .20, .30, .40, .50}
	for n, want := range map[int][]float64{
		50: {0, 16.5, 21, 24.5, 27.5}, 75: {9.5, 14, 17.5, 20.5, 22.5}, 100: {8.5, 12.5, 15.5, 17.5, 19.5},
		150: {7, 10.5, 12.5, 14.5, 16.5}, 200: {6.5, 9, 11, 12.5, 14}, 300: {5.5, 7.5, 9, 10.5, 11.5},
	} {
		for i, psi := range psis {
			d, ok := Detectable(n, psi)
			have := math.Round(d*1000) / 10
			if !ok {
				have = 0
			}
			if have != want[i] {
				t.Errorf("%d cases, %v: %v, want %v", n, psi, have, want[i])
			}
		}
	}
}

func TestWinsNeeded(t *testing.T) {
	for c, want := range map[int][2]int{0: {5, 6}, 1: {7, 8}, 2: {9, 10}, 3: {11, 12}, 4: {12, 13}, 5: {14, 15}, 6: {16, 17}, 8: {19, 20}} {
		if have := [2]int{WinsNeeded(c, false), WinsNeeded(c, true)}; have != want {
			t.Errorf("against %d: %v, want %v", c, have, want)
		}
	}
	for n, want := range map[int]int{50: 33, 75: 47, 100: 61} {
		w := 0
		for _, exact := SignTest(w, n-w); exact >= .05 || w < n-w; _, exact = SignTest(w, n-w) {
			w++
		}
		if w != want {
			t.Errorf("%d preferences: %d, want %d", n, w, want)
		}
	}
}

func TestCasesNeeded(t *testing.T) {
	for _, c := range []struct {
		psi, delta float64
		want       int
	}{{.2, .10, 155}, {.2, .05, 626}, {.3, .10, 234}, {.3, .05, 940}, {.1, .2, 0}} {
		if n := CasesNeeded(c.psi, c.delta); n != c.want {
			t.Errorf("%v, %v: %d, want %d", c.psi, c.delta, n, c.want)
		}
	}
	// 2.80 sd/√n is the detectable difference of means.
	if n := MeanCasesNeeded(1, .4); n < 49 || n > 50 {
		t.Errorf("%d cases for .4 deviations, want 49 or 50", n)
	}
}

func TestEValue(t *testing.T) {
	for n, want := range map[int]int{50: 37, 75: 52, 100: 67} {
		w := n / 2
		for EValue(w, n-w) < 20 {
			w++
		}
		if w != want {
			t.Errorf("%d preferences: %d, want %d", n, w, want)
		}
	}
}

// True type-I errors at 20 % discordance, as the reference gives them.
func TestLevel(t *testing.T) {
	for n, want := range map[int]float64{50: .041, 100: .046} {
		sum := 0.0
		for m := 0; m <= n; m++ {
			for w := 0; w <= m; w++ {
				if midp, _ := McNemar(w, m-w); midp < .05 {
					sum += binomial(n, m, .2) * binomial(m, w, .5)
				}
			}
		}
		near(t, "type-I error", sum, want, 5e-4)
	}
}

// binaryArms are n cases that both arms have right with probability both, and on which
// they disagree with psi, the first being right in a share (psi+delta)/2.
func binaryArms(r *rand.Rand, n int, both, psi, delta float64) (a, b []float64) {
	for range n {
		x, y := 0.0, 0.0
		switch u := r.Float64(); {
		case u < (psi+delta)/2:
			x = 1
		case u < psi:
			y = 1
		case u < psi+both:
			x, y = 1, 1
		}
		a, b = append(a, x), append(b, y)
	}
	return a, b
}

// A thousand sets on which two arms are the same: at most 5 % are called won or lost. A
// gap of 20 points on 100 cases is found four times out of five.
func TestSimulated(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	called := map[string]int{}
	const sets = 1000
	for i := range sets {
		n := 50 + r.IntN(51)
		a, b := binaryArms(r, n, .4, []float64{.1, .2, .3, .4}[i%4], 0)
		switch Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05}).Outcome {
		case ClearWin, WinBelowMargin, Loss:
			called[Binary]++
		}
		for k := range a {
			base := r.NormFloat64()
			a[k], b[k] = base+.5*r.NormFloat64(), base+.5*r.NormFloat64()
		}
		if i%5 == 0 { // these take their time
			switch Decide(Evidence{Kind: Continuous, A: a, B: b, Margin: .02, Seed: uint64(i)}).Outcome {
			case ClearWin, WinBelowMargin, Loss:
				called[Continuous]++
			}
		}
	}
	t.Logf("called won or lost: %d of %d binary, %d of %d continuous", called[Binary], sets, called[Continuous], sets/5)
	if called[Binary] > sets/20 || called[Continuous] > sets/5/20+5 { // 200 sets: two standard deviations more
		t.Errorf("%v are called won or lost", called)
	}
	found := 0
	for range 300 {
		a, b := binaryArms(r, 100, .4, .4, .2)
		if Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05}).Outcome == ClearWin {
			found++
		}
	}
	t.Logf("20 points found in %d of 300", found)
	if found < 240 {
		t.Errorf("20 points are found in %d of 300 sets", found)
	}
}

// Intervals hold what they promise.
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	held := map[string]int{}
	const sets = 600
	for range sets {
		a, b := binaryArms(r, 80, .4, .3, .1)
		tab := Table{}
		for i := range a {
			switch {
			case a[i] == 1 && b[i] == 1:
				tab.Both++
			case a[i] == 1:
				tab.OnlyA++
			case b[i] == 1:
				tab.OnlyB++
			default:
				tab.Neither++
			}
		}
		if low, high := Newcombe(tab, .95); low <= .1 && .1 <= high {
			held["Newcombe"]++
		}
		if low, high := Tango(tab.OnlyA, tab.OnlyB, 80, .95); low <= .1 && .1 <= high {
			held["Tango"]++
		}
	}
	for name, n := range held {
		if share := float64(n) / sets; share < .93 || share > .985 {
			t.Errorf("%s holds the difference in %.3f, want about .95", name, share)
		}
	}
	if len(held) != 2 {
		t.Error(held)
	}
}
