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
		scale := float32(math.Exp2(rng.Float64()*160 - 70))
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
			// Half a step, which is 2^-14 of the largest at most.
			if e := math.Abs(float64(v) - float64(b.d)*float64(q)); e > float64(b.d)/2 || float64(b.d) > top*0x1p-14*(1+0x1p-15) {
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
	x := oddBlocks(rng, 0x1p-80, 0x0.ffffffp-80, 0x1p100, 0x0.ffffffp100, 32767, 32767.498, 32767.5, 32768)
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
	bits := func(x []float32) (b []uint32) {
		for _, v := range x {
			if v != v {
				v = float32(math.NaN()) // whichever
			}
			b = append(b, math.Float32bits(v))
		}
		return b
	}
	wide := func(all *[groupRows][32]uint16) (b []uint32) {
		for i := range all {
			for _, v := range all[i] {
				b = append(b, bits([]float32{BF16ToF32(v)})...)
			}
		}
		return b
	}
	for _, rows := range []int{1, 7, 16} {
		x := oddBlocks(rng, 0x1p-120, 0x0.ffffffp-120, 0x1p-80, 0x0.ffffffp-80, 0x1p100, 0x0.ffffffp100, 32767, 32767.498, 32767.5, 32768)
		blocks := len(x) / 32 / rows
		x = x[:32*rows*blocks]
		words := make([]wordBlock, rows*blocks)
		wordBlocksGeneric(words, x)
		want, wantPairs, wantWords := make([]byteTile, blocks), make([]pairTile, blocks), make([]wordTile, blocks)
		quantiseTilesGeneric(want, x, 32*blocks, rows)
		quantisePairsGeneric(wantPairs, x, 32*blocks, rows)
		splitWordsGeneric(wantWords, words, blocks, rows)
		have, havePairs, haveWords := make([]byteTile, blocks), make([]pairTile, blocks), make([]wordTile, blocks)
		for b := range have { // what was there does not count
			have[b].q[rows-1][31], have[b].s[15], have[b].q[15][0] = 1, 1, 1
			havePairs[b].low[rows-1][31], havePairs[b].s[15], havePairs[b].high[15][0] = 1, 1, 1
		}
		if !slices.Contains(Impls(), "amx") {
			t.Skip("no tiles")
		}
		quantiseTiles(have, x, 32*blocks, rows)
		quantisePairs(havePairs, x, 32*blocks, rows)
		splitWords(haveWords, words, blocks, rows)
		for b := range want {
			if have[b].q != want[b].q || firstDifference(have[b].d[:], want[b].d[:]) >= 0 || !slices.Equal(bits(have[b].s[:]), bits(want[b].s[:])) {
				t.Errorf("%d rows, block %d: tile %v, in portable Go %v", rows, b, have[b], want[b])
			}
			h, w := &havePairs[b], &wantPairs[b]
			if !slices.Equal(wide(&h.high), wide(&w.high)) || !slices.Equal(wide(&h.low), wide(&w.low)) || !slices.Equal(bits(h.s[:]), bits(w.s[:])) {
				t.Errorf("%d rows, block %d: tile of pairs %v, in portable Go %v", rows, b, *h, *w)
			}
			if haveWords[b].high != wantWords[b].high || haveWords[b].low != wantWords[b].low {
				t.Errorf("%d rows, block %d: tile of words %v, in portable Go %v", rows, b, haveWords[b], wantWords[b])
			}
		}
	}
}

// High and low of a pairTile are the numbers of the words, and few bits each.
func TestPairTile(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	x := randomActs(rng, 16, 320)
	tiles := make([]pairTile, 10)
	quantisePairsGeneric(tiles, x, 320, 16)
	for b := range tiles {
		for i := range groupRows {
			var of wordBlock
			wordsOf(&of, x[320*i+32*b:][:32])
			for k, q := range of.q {
				high, low := BF16ToF32(tiles[b].high[i][k]), BF16ToF32(tiles[b].low[i][k])
				if float64(high)+float64(low) != float64(of.d)*float64(q) {
					t.Fatalf("%v and %v, want %d times %v", high, low, q, of.d)
				}
			}
		}
	}
}

// The largest sums of codes and pairs stay below 2^24, where float32 has all integers.
func TestPairsAreExact(t *testing.T) {
	n := 0
	for _, f := range Formats() {
		p := f.packing
		if p == nil || !p.pairs() {
			continue
		}
		n++
		q := make([]uint8, f.BlockLen*groupRows)
		scale, mins := make([]float32, f.BlockLen*groupRows), make([]float32, f.BlockLen*groupRows)
		rng := rand.New(rand.NewPCG(6, 6))
		src := make([]byte, f.BlockBytes*groupRows)
		largest := 0
		for range 100 {
			for i := range src {
				src[i] = byte(rng.Uint32())
			}
			f.unpackGeneric(q, scale, mins, src, 1)
			for _, c := range q {
				code := int(c)
				if !p.mins {
					code -= 1 << p.shift
				}
				largest = max(largest, code, -code)
			}
		}
		if sum := largest * p.step * 32767; largest == 0 || sum >= 1<<24 {
			t.Errorf("%s: codes to %d, sums of %d columns to %d", f.Name, largest, p.step, sum)
		}
	}
	if n < 5 {
		t.Errorf("%d formats", n)
	}
}
