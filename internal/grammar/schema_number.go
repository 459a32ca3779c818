package grammar

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// maxMultiples bounds the multiples that are listed one by one where multipleOf
// stands beside a range, and the divisor where it stands alone.
const maxMultiples = 10_000

// limits is a range of numbers; a nil end is open.
type limits struct {
	lo, hi         *big.Rat
	loOpen, hiOpen bool // the end itself is excluded
}

func (c *schemaCompiler) numberSchema(path, typ string, s *dict) frag {
	lim, ok := c.limits(path, s)
	if !ok {
		return c.empty()
	}
	if s.has("multipleOf") {
		return c.multiples(path, typ, s, lim)
	}
	if typ == "integer" {
		return c.integers(path, lim)
	}
	if lim.lo == nil && lim.hi == nil {
		return c.anyNumber()
	}
	return c.decimals(path, lim)
}

func ratOf(n json.Number) (*big.Rat, bool) {
	// An exponent of many digits would make a number that fills the memory.
	if len(n) == 0 || len(n) > 64 {
		return nil, false
	}
	if f, err := n.Float64(); err != nil || f > 1e30 || f < -1e30 || f != 0 && f < 1e-30 && f > -1e-30 {
		return nil, false
	}
	return new(big.Rat).SetString(n.String())
}

func (c *schemaCompiler) limits(path string, s *dict) (limits, bool) {
	var lim limits
	for _, k := range []string{"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} {
		if !s.has(k) {
			continue
		}
		num, _ := s.vals[k].(json.Number)
		r, ok := ratOf(num)
		if !ok {
			c.refuse(path, k, "wants a number of at most 30 digits")
			return lim, false
		}
		open := strings.HasPrefix(k, "exclusive")
		if strings.HasSuffix(strings.ToLower(k), "minimum") {
			if lim.lo == nil || r.Cmp(lim.lo) > 0 || r.Cmp(lim.lo) == 0 && open {
				lim.lo, lim.loOpen = r, open
			}
		} else if lim.hi == nil || r.Cmp(lim.hi) < 0 || r.Cmp(lim.hi) == 0 && open {
			lim.hi, lim.hiOpen = r, open
		}
	}
	if lim.lo != nil && lim.hi != nil {
		if d := lim.lo.Cmp(lim.hi); d > 0 || d == 0 && (lim.loOpen || lim.hiOpen) {
			c.refuse(path, "minimum", "is above the maximum")
			return lim, false
		}
	}
	return lim, true
}

// largest is the greatest magnitude written for an integer.
var largest = new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(maxIntDigits), nil), big.NewInt(1))

// whole returns the integers of lim, both ends included, cut to ±largest.
func (lim limits) whole() (lo, hi *big.Int) {
	lo, hi = new(big.Int).Neg(largest), largest
	one := big.NewInt(1)
	if lim.lo != nil {
		v := ceil(lim.lo)
		if lim.loOpen && lim.lo.IsInt() {
			v.Add(v, one)
		}
		if v.Cmp(lo) > 0 {
			lo = v
		}
	}
	if lim.hi != nil {
		v := floor(lim.hi)
		if lim.hiOpen && lim.hi.IsInt() {
			v.Sub(v, one)
		}
		if v.Cmp(hi) < 0 {
			hi = v
		}
	}
	return lo, hi
}

func floor(r *big.Rat) *big.Int {
	q, m := new(big.Int), new(big.Int)
	q.DivMod(r.Num(), r.Denom(), m) // Euclidean: rounds down, Denom is positive
	return q
}

func ceil(r *big.Rat) *big.Int {
	return new(big.Int).Neg(floor(new(big.Rat).Neg(r)))
}

func (c *schemaCompiler) integers(path string, lim limits) frag {
	if lim.lo == nil && lim.hi == nil {
		return c.anyInteger()
	}
	lo, hi := lim.whole()
	if lo.Cmp(hi) > 0 {
		return c.refuse(path, "minimum", "and maximum leave no integer of at most %d digits", maxIntDigits)
	}
	return c.intRange(lo, hi)
}

// intRange matches the integers lo to hi.
func (b *Builder) intRange(lo, hi *big.Int) frag {
	var fs []frag
	if lo.Sign() < 0 {
		top := big.NewInt(1)
		if hi.Sign() < 0 {
			top = new(big.Int).Neg(hi)
		}
		fs = append(fs, b.seq(b.text("-"), b.natural(top, new(big.Int).Neg(lo))))
	}
	if hi.Sign() >= 0 {
		from := lo
		if lo.Sign() < 0 {
			from = new(big.Int)
		}
		fs = append(fs, b.natural(from, hi))
	}
	return b.alt(fs...)
}

// natural matches lo to hi, both at least 0, without leading zeros.
func (b *Builder) natural(lo, hi *big.Int) frag {
	var fs []frag
	for n := len(lo.String()); n <= len(hi.String()); n++ {
		from, to := lo.String(), hi.String()
		if len(from) < n {
			from = "1" + strings.Repeat("0", n-1)
		}
		if len(to) > n {
			to = strings.Repeat("9", n)
		}
		fs = append(fs, b.between(from, to))
	}
	return b.alt(fs...)
}

// between matches digit strings from lo to hi, all of one length.
func (b *Builder) between(lo, hi string) frag {
	n := len(lo)
	if n == 0 {
		return b.empty()
	}
	if lo == strings.Repeat("0", n) && hi == strings.Repeat("9", n) {
		return b.digits(n, n)
	}
	if lo[0] == hi[0] {
		return b.seq(b.byteRange(lo[0], lo[0]), b.between(lo[1:], hi[1:]))
	}
	zeros, nines := strings.Repeat("0", n-1), strings.Repeat("9", n-1)
	fs := []frag{
		b.seq(b.byteRange(lo[0], lo[0]), b.between(lo[1:], nines)),
		b.seq(b.byteRange(hi[0], hi[0]), b.between(zeros, hi[1:])),
	}
	if hi[0]-lo[0] > 1 {
		fs = append(fs, b.seq(b.byteRange(lo[0]+1, hi[0]-1), b.digits(n-1, n-1)))
	}
	return b.alt(fs...)
}

// decimals matches numbers of a range in plain decimal notation.
func (c *schemaCompiler) decimals(path string, lim limits) frag {
	bound := new(big.Rat).SetInt(largest)
	lo, hi := lim.lo, lim.hi
	if lo == nil || lo.Cmp(new(big.Rat).Neg(bound)) < 0 {
		lo, lim.loOpen = new(big.Rat).Neg(bound), false
	}
	if hi == nil || hi.Cmp(bound) > 0 {
		hi, lim.hiOpen = bound, false
	}
	if lo.Cmp(hi) > 0 {
		return c.refuse(path, "minimum", "and maximum leave no number of at most %d digits", maxIntDigits)
	}
	zero := new(big.Rat)
	var fs []frag
	if lo.Sign() < 0 { // -x for x in (0, -lo], or in [-hi, -lo]
		from, fromOpen := zero, true
		if hi.Sign() < 0 {
			from, fromOpen = new(big.Rat).Neg(hi), lim.hiOpen
		}
		fs = append(fs, c.seq(c.text("-"), c.magnitude(path, from, new(big.Rat).Neg(lo), fromOpen, lim.loOpen)))
	}
	if hi.Sign() > 0 || hi.Sign() == 0 && !lim.hiOpen {
		from, fromOpen := lo, lim.loOpen
		if lo.Sign() < 0 {
			from, fromOpen = zero, false
		}
		fs = append(fs, c.magnitude(path, from, hi, fromOpen, lim.hiOpen))
	}
	return c.alt(fs...)
}

// magnitude matches decimals from lo to hi, both at least 0.
func (c *schemaCompiler) magnitude(path string, lo, hi *big.Rat, loOpen, hiOpen bool) frag {
	li, lf, ok1 := split(lo)
	ui, uf, ok2 := split(hi)
	if !ok1 || !ok2 {
		return c.refuse(path, "minimum", "or maximum has more than %d digits after the point", maxFracDigits)
	}
	a, b := decimalEnd{lf, loOpen}, decimalEnd{uf, hiOpen}
	if li.Cmp(ui) == 0 {
		return c.seq(c.text(li.String()), c.fraction(&a, &b))
	}
	fs := []frag{
		c.seq(c.text(li.String()), c.fraction(&a, nil)),
		c.seq(c.text(ui.String()), c.fraction(nil, &b)),
	}
	one := big.NewInt(1)
	from, to := new(big.Int).Add(li, one), new(big.Int).Sub(ui, one)
	if from.Cmp(to) <= 0 {
		fs = append(fs, c.seq(c.natural(from, to), c.fraction(nil, nil)))
	}
	return c.alt(fs...)
}

// split returns the whole part and the digits after the point, no zeros at the end.
func split(r *big.Rat) (*big.Int, string, bool) {
	text := r.FloatString(maxFracDigits)
	back, _ := new(big.Rat).SetString(text)
	whole, frac, _ := strings.Cut(text, ".")
	i, _ := new(big.Int).SetString(whole, 10)
	return i, strings.TrimRight(frac, "0"), back.Cmp(r) == 0
}

// decimalEnd is an end of a range of digits after the point.
type decimalEnd struct {
	digits string
	open   bool
}

// meets tells whether ending here, as if nothing but zeros followed, is inside
// this end of the range.
func (e *decimalEnd) meets(lower bool) bool {
	if e == nil {
		return true
	}
	if strings.Trim(e.digits, "0") == "" {
		return !e.open
	}
	return !lower
}

func (e *decimalEnd) head() byte {
	if e.digits == "" {
		return '0'
	}
	return e.digits[0]
}

func (e *decimalEnd) rest() *decimalEnd {
	if e.digits == "" {
		return e
	}
	return &decimalEnd{e.digits[1:], e.open}
}

// fraction matches an optional point and digits whose value lies between two
// ends (nil: no bound), with up to maxFracDigits digits more than the ends have.
func (b *Builder) fraction(lo, hi *decimalEnd) frag {
	f := b.seq(b.text("."), b.fracDigits(lo, hi, true, 0))
	if lo.meets(true) && hi.meets(false) {
		return b.optional(f)
	}
	return f
}

// fracDigits matches the digits after the point; first asks for at least one.
func (b *Builder) fracDigits(lo, hi *decimalEnd, first bool, depth int) frag {
	if lo == nil && hi == nil {
		n := 0
		if first {
			n = 1
		}
		return b.digits(n, maxFracDigits)
	}
	var fs []frag
	if !first && lo.meets(true) && hi.meets(false) {
		fs = append(fs, b.empty())
	}
	if depth < 2*maxFracDigits {
		low, high := byte('0'), byte('9')
		if lo != nil {
			low = lo.head()
		}
		if hi != nil {
			high = hi.head()
		}
		for d := low; d <= high; d++ {
			var l, h *decimalEnd
			if lo != nil && d == low {
				l = lo.rest()
			}
			if hi != nil && d == high {
				h = hi.rest()
			}
			// Past the digits of an open lower end any tail that is not all
			// zeros will do; past those of an upper end only zeros, if closed.
			if h != nil && h.open && strings.Trim(h.digits, "0") == "" {
				continue
			}
			if l != nil && l.digits == "" && !l.open {
				l = nil
			}
			fs = append(fs, b.seq(b.byteRange(d, d), b.fracDigits(l, h, false, depth+1)))
		}
	}
	if len(fs) == 0 {
		return b.set(byteSet{})
	}
	return b.alt(fs...)
}

// multiples matches the multiples of multipleOf.
func (c *schemaCompiler) multiples(path, typ string, s *dict, lim limits) frag {
	num, _ := s.vals["multipleOf"].(json.Number)
	m, ok := ratOf(num)
	if !ok || m.Sign() <= 0 {
		return c.refuse(path, "multipleOf", "wants a number above 0")
	}
	if lim.lo != nil && lim.hi != nil {
		return c.listed(path, typ, m, lim)
	}
	if lim.lo != nil || lim.hi != nil {
		return c.refuse(path, "multipleOf", "beside only one of minimum and maximum is not supported; give both")
	}
	if !m.IsInt() {
		// A power of ten: that many digits after the point.
		inv := new(big.Rat).Inv(m)
		digits := len(inv.Num().String()) - 1
		if typ == "integer" || !inv.IsInt() || strings.Trim(inv.Num().String(), "0") != "1" || digits > maxFracDigits {
			return c.refuse(path, "multipleOf", "%s is not supported without a range", num)
		}
		return c.seq(c.anyInteger(), c.optional(c.seq(c.text("."), c.digits(1, digits))))
	}
	if !m.Num().IsInt64() || m.Num().Int64() > maxMultiples {
		return c.refuse(path, "multipleOf", "above %d is not supported without a range", maxMultiples)
	}
	return c.divisible(int(m.Num().Int64()))
}

// divisible is the integers divisible by m: one node per remainder.
func (b *Builder) divisible(m int) frag {
	in, out := b.node(), b.node()
	rest := make([]*node, m)
	for i := range rest {
		rest[i] = b.node()
	}
	for r, n := range rest {
		for d := range 10 {
			addDigit(n, d, rest[(r*10+d)%m])
		}
	}
	sign := b.optional(b.text("-"))
	in.eps = append(in.eps, sign.in)
	for d := 1; d <= 9; d++ {
		addDigit(sign.out, d, rest[d%m])
	}
	zero := b.text("0")
	in.eps = append(in.eps, zero.in)
	zero.out.eps = append(zero.out.eps, out)
	rest[0].eps = append(rest[0].eps, out)
	return frag{in, out}
}

func addDigit(from *node, d int, to *node) {
	var s byteSet
	s.add('0' + byte(d))
	from.bytes = append(from.bytes, byteEdge{s, to})
}

// listed writes out every multiple of m in a range.
func (c *schemaCompiler) listed(path, typ string, m *big.Rat, lim limits) frag {
	first := ceil(new(big.Rat).Quo(lim.lo, m))
	last := floor(new(big.Rat).Quo(lim.hi, m))
	if new(big.Int).Sub(last, first).Cmp(big.NewInt(maxMultiples)) > 0 {
		return c.refuse(path, "multipleOf", "with more than %d values in the range is not supported", maxMultiples)
	}
	var texts []string
	for k := new(big.Int).Set(first); k.Cmp(last) <= 0; k.Add(k, big.NewInt(1)) {
		v := new(big.Rat).Mul(new(big.Rat).SetInt(k), m)
		if lim.loOpen && v.Cmp(lim.lo) == 0 || lim.hiOpen && v.Cmp(lim.hi) == 0 || typ == "integer" && !v.IsInt() {
			continue
		}
		text := v.FloatString(maxFracDigits)
		if back, _ := new(big.Rat).SetString(text); back.Cmp(v) != 0 {
			return c.refuse(path, "multipleOf", "has multiples with more than %d digits after the point", maxFracDigits)
		}
		texts = append(texts, strings.TrimRight(strings.TrimRight(text, "0"), "."))
	}
	if len(texts) == 0 {
		return c.refuse(path, "multipleOf", "has no multiple in the range")
	}
	return c.trie(texts)
}

// trie matches one of texts, shared beginnings read once.
func (b *Builder) trie(texts []string) frag {
	slices.Sort(texts)
	in, out := b.node(), b.node()
	var grow func(at *node, texts []string)
	grow = func(at *node, texts []string) {
		for i := 0; i < len(texts); {
			if texts[i] == "" {
				at.eps = append(at.eps, out)
				i++
				continue
			}
			j := i
			var rest []string
			for ; j < len(texts) && texts[j] != "" && texts[j][0] == texts[i][0]; j++ {
				rest = append(rest, texts[j][1:])
			}
			n := b.node()
			var s byteSet
			s.add(texts[i][0])
			at.bytes = append(at.bytes, byteEdge{s, n})
			grow(n, rest)
			i = j
		}
	}
	grow(in, texts)
	return frag{in, out}
}

// canonical writes v so that equal JSON values have equal texts.
func canonical(v value) string {
	switch v := v.(type) {
	case json.Number:
		if r, ok := ratOf(v); ok {
			return r.RatString()
		}
		return v.String()
	case []value:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = canonical(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *dict:
		keys := slices.Sorted(slices.Values(v.keys))
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = strconv.Quote(k) + ":" + canonical(v.vals[k])
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return encode(v)
}

func sortedKeys(m map[string]bool) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
