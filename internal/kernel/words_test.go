package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestWordsOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		x := randomActs(rng, 1, 32)
		scale := float32(math.Exp2(rng.Float64()*200 - 105))
		var top float64
		for i := range x {
			x[i] *= scale
			top = max(top, math.Abs(float64(x[i])))
		}
		var b wordBlock
		wordsOf(&b, x)
		var n, n16 int32
		for i, v := range x {
			q := int32(b.q[i/4*4+[]int{0, 2, 1, 3}[i%4]])
			// Half a step, and what rounding 32767/largest and its product moves a code.
			if e := math.Abs(float64(v) - float64(b.d)*float64(q)); e > top/32767*0.505 {
				t.Fatalf("%v is stored as %d times %v", v, q, b.d)
			}
			n -= q
			if i < 16 {
				n16 -= q
			}
		}
		if b.n != n || b.n16 != n16 || b.s != b.d*float32(-n) {
			t.Fatalf("sums of %v: n %d, n16 %d, s %v; want %d, %d, %v", b.q, b.n, b.n16, b.s, n, n16, b.d*float32(-n))
		}
	}
}

// Values half way between two codes go to the even one.
func TestWordTies(t *testing.T) {
	x := make([]float32, 32)
	copy(x, []float32{32767, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 32766.5})
	eachImpl(t, func(t *testing.T) {
		b := make([]wordBlock, 1)
		wordBlocks(b, x)
		if have := [8]int16(b[0].q[:8]); have != [8]int16{32767, 2, 0, 2, 0, -2, -2, 32766} || b[0].d != 1 {
			t.Errorf("codes %v times %v", have, b[0].d)
		}
	})
}

func TestWordPathsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x := oddBlocks(rng, 0x1p-110, 0x0.ffffffp-110)
	want := make([]wordBlock, len(x)/32)
	wordBlocksGeneric(want, x)
	same := func(a, b float32) bool { return a == b || a != a && b != b }
	eachImpl(t, func(t *testing.T) {
		have := make([]wordBlock, len(want))
		wordBlocks(have, x)
		for i, h := range have {
			w := want[i]
			if h.q != w.q || !same(h.d, w.d) || !same(h.s, w.s) || h.n != w.n || h.n16 != w.n16 {
				t.Errorf("%v\nbecomes %v\nin portable Go %v", x[32*i:32*i+32], h, w)
			}
		}
	})
}

// The tiles made of numbers and of words are those of portable Go, with odd blocks and with
// fewer rows than sixteen.
func TestTilesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, rows := range []int{1, 7, 16} {
		x := oddBlocks(rng, 0x1p-120, 0x0.ffffffp-120)
		blocks := len(x) / 32 / rows
		x = x[:32*rows*blocks]
		words := make([]wordBlock, rows*blocks)
		wordBlocksGeneric(words, x)
		want, wantWords := make([]byteTile, blocks), make([]wordTile, blocks)
		quantiseTilesGeneric(want, x, 32*blocks, rows)
		splitWordsGeneric(wantWords, words, blocks, rows)
		have, haveWords := make([]byteTile, blocks), make([]wordTile, blocks)
		for b := range have { // what was there does not count
			have[b].q[rows-1][31], have[b].s[15], have[b].q[15][0] = 1, 1, 1
		}
		if !slices.Contains(Impls(), "amx") {
			t.Skip("no tiles")
		}
		quantiseTiles(have, x, 32*blocks, rows)
		splitWords(haveWords, words, blocks, rows)
		for b := range want {
			if have[b].q != want[b].q || firstDifference(have[b].d[:], want[b].d[:]) >= 0 {
				t.Errorf("%d rows, block %d: tile %v, in portable Go %v", rows, b, have[b], want[b])
			}
			for i, s := range have[b].s {
				if w := want[b].s[i]; s != w && (s == s || w == w) {
					t.Errorf("%d rows, block %d: s[%d] %v, in portable Go %v", rows, b, i, s, w)
				}
			}
			if haveWords[b].high != wantWords[b].high || haveWords[b].low != wantWords[b].low {
				t.Errorf("%d rows, block %d: tile of words %v, in portable Go %v", rows, b, haveWords[b], wantWords[b])
			}
		}
	}
}
