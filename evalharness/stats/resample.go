package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// resamples is how often is drawn anew.
const resamples = 10_000

// exactFlips is how many differences are flipped in all ways.
const exactFlips = 20

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x67726166)) }

// Mean of values; 0 of none.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(1, len(x)))
}

// SignFlip tests whether differences are symmetric around 0 by giving them other signs:
// all ways for up to 20 that are not 0, else 10,000 draws with p = (c+1)/(R+1).
// Two-sided.
func SignFlip(diffs []float64, seed uint64) (p float64) {
	var d []float64
	observed, size := 0.0, 0.0
	for _, v := range diffs {
		if v != 0 {
			d = append(d, v)
			observed += v
			size += math.Abs(v)
		}
	}
	if len(d) == 0 {
		return 1
	}
	// Sums in another order may differ in the last bits.
	reached := math.Abs(observed) - 1e-12*size
	if len(d) <= exactFlips {
		count := 0
		for mask := range 1 << len(d) {
			sum := 0.0
			for i, v := range d {
				if mask>>i&1 == 0 {
					sum += v
				} else {
					sum -= v
				}
			}
			if math.Abs(sum) >= reached {
				count++
			}
		}
		return float64(count) / float64(int(1)<<len(d))
	}
	r, count := random(seed), 0
	for range resamples {
		sum := 0.0
		bits := uint64(0)
		for i, v := range d {
			if i%64 == 0 {
				bits = r.Uint64()
			}
			if bits&1 == 0 {
				sum += v
			} else {
				sum -= v
			}
			bits >>= 1
		}
		if math.Abs(sum) >= reached {
			count++
		}
	}
	return float64(count+1) / (resamples + 1)
}

// Swap tests whether it matters which arm gave which answer: f is the value of both arms
// on the whole set when the answers of some cases change sides (approximate
// randomisation, as in sacreBLEU; Riezler and Maxwell, 2005). Two-sided.
func Swap(n int, f func(swap []bool) (a, b float64), seed uint64) (p float64) {
	swap := make([]bool, n)
	a, b := f(swap)
	reached := math.Abs(a-b) - 1e-12
	r, count := random(seed), 0
	for range resamples {
		for i := range swap {
			swap[i] = r.IntN(2) == 1
		}
		if a, b := f(swap); math.Abs(a-b) >= reached {
			count++
		}
	}
	return float64(count+1) / (resamples + 1)
}

// draw is f of so many sets of n cases, drawn with replacement; clusters, when not nil,
// is the cluster of each case, which is drawn whole.
func draw(n, times int, f func(pick []int) float64, clusters []int, seed uint64) []float64 {
	r, values := random(seed), make([]float64, times)
	groups := grouped(n, clusters)
	var pick []int
	for i := range values {
		pick = pick[:0]
		for range groups {
			pick = append(pick, groups[r.IntN(len(groups))]...)
		}
		values[i] = f(pick)
	}
	return values
}

// grouped lists the cases of each cluster.
func grouped(n int, clusters []int) [][]int {
	var groups [][]int
	at := map[int]int{}
	for i := range n {
		if clusters == nil {
			groups = append(groups, []int{i})
			continue
		}
		k, ok := at[clusters[i]]
		if !ok {
			k = len(groups)
			at[clusters[i]] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups
}

// Bootstrap is the percentile interval of f over sets of n cases drawn with replacement:
// for values that only a set has, both arms' at once for their difference.
func Bootstrap(n int, f func(pick []int) float64, seed uint64, level float64) (low, high float64) {
	return percentiles(draw(n, 2_000, f, nil, seed), (1-level)/2, (1+level)/2)
}

// percentiles are quantiles with linear interpolation, as numpy has them.
func percentiles(values []float64, a, b float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	at := func(p float64) float64 {
		h := p * float64(len(values)-1)
		i := min(int(h), len(values)-2)
		if i < 0 {
			return values[0]
		}
		return values[i] + (h-float64(i))*(values[i+1]-values[i])
	}
	return at(a), at(b)
}

// BCa is the bias-corrected and accelerated bootstrap interval of a mean (Efron, 1987),
// from 10,000 draws.
func BCa(x []float64, seed uint64, level float64) (low, high float64) {
	return bca(x, nil, seed, level)
}

func bca(x []float64, clusters []int, seed uint64, level float64) (low, high float64) {
	mean := Mean(x)
	if len(x) < 2 || slices.Min(x) == slices.Max(x) {
		return mean, mean
	}
	values := draw(len(x), resamples, func(pick []int) float64 {
		sum := 0.0
		for _, i := range pick {
			sum += x[i]
		}
		return sum / float64(len(pick))
	}, clusters, seed)
	return bcaOf(x, values, level)
}

// bcaOf is the interval from given draws.
func bcaOf(x, values []float64, level float64) (low, high float64) {
	mean, less, equal := Mean(x), 0, 0
	for _, v := range values {
		if v < mean {
			less++
		} else if v == mean {
			equal++
		}
	}
	z0 := quantile((float64(less) + float64(equal)/2) / float64(len(values)))
	// The jackknife of a mean: leaving x_i out moves it by (mean-x_i)/(n-1).
	cubes, squares := 0.0, 0.0
	for _, v := range x {
		d := v - mean
		squares += d * d
		cubes += d * d * d
	}
	a := cubes / (6 * math.Pow(squares, 1.5))
	if math.IsInf(z0, 0) || math.IsNaN(a) {
		return percentiles(values, (1-level)/2, (1+level)/2)
	}
	tail := func(z float64) float64 { return below(z0 + (z0+z)/(1-a*(z0+z))) }
	return percentiles(values, tail(quantile((1-level)/2)), tail(quantile((1+level)/2)))
}

// Student is the t interval of a mean: a cross-check of BCa.
func Student(x []float64, level float64) (low, high float64) {
	mean := Mean(x)
	if len(x) < 2 {
		return math.Inf(-1), math.Inf(1)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(x) - 1)}.Quantile((1 + level) / 2)
	half := t * deviation(x) / math.Sqrt(float64(len(x)))
	return mean - half, mean + half
}

// deviation is the standard deviation, with n-1.
func deviation(x []float64) float64 {
	mean, sum := Mean(x), 0.0
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(max(1, len(x)-1)))
}

// ClusteredError is the standard error of a mean of cases that come in clusters, with
// the correction for few of them, G/(G-1) (Miller, "Adding error bars to evals", 2024).
func ClusteredError(x []float64, clusters []int) float64 {
	mean, sum := Mean(x), 0.0
	groups := grouped(len(x), clusters)
	for _, g := range groups {
		s := 0.0
		for _, i := range g {
			s += x[i] - mean
		}
		sum += s * s
	}
	n := float64(len(groups))
	if n < 2 {
		return math.Inf(1)
	}
	return math.Sqrt(sum*n/(n-1)) / float64(len(x))
}
