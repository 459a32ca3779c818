package jinja

import (
	"math"
	"math/big"
)

// maxBits bounds integers. Python has no bound for arithmetic, but refuses to
// print more than 4,300 digits.
const maxBits = 14_000

// binary is Python's a op b for + - * / // % **.
func (st *state) binary(op string, a, b Value) Value {
	for _, v := range []Value{a, b} {
		if u, ok := v.(Undefined); ok && !(op == "%" && isStr(a)) {
			fail("%s", u.message)
		}
	}
	switch x := a.(type) {
	case Str:
		switch op {
		case "+":
			if y, ok := b.(Str); ok {
				return st.concat(x, y)
			}
			fail(`can only concatenate str (not "%s") to str`, typeName(b))
		case "%":
			return st.percent(x, b)
		case "*":
			if n, ok := asInt(b); ok {
				return st.repeat(x, n)
			}
		}
	case *List:
		if v, ok := st.listOp(op, x, b); ok {
			return v
		}
	}
	if op == "*" {
		switch b.(type) {
		case Str, *List:
			if _, ok := asInt(a); ok {
				return st.binary(op, b, a)
			}
		}
	}
	if v, ok := arithmetic(op, a, b); ok {
		return v
	}
	fail("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(a), typeName(b))
	return nil
}

func isStr(v Value) bool { _, ok := v.(Str); return ok }

// concat is x + y; a Markup escapes the other side.
func (st *state) concat(x, y Str) Str {
	safe := x.safe || y.safe
	if safe {
		x, y = x.escape(), y.escape()
	}
	st.charge(len(x.s) + len(y.s))
	var out Str
	if len(x.runs)+len(y.runs) == 0 {
		out = Str{s: x.s + y.s}
	} else {
		out = Join(x, y)
	}
	out.safe = safe
	return out
}

func (st *state) repeat(x Str, n int64) Str {
	n = max(n, 0)
	st.chargeTimes(int64(len(x.s)), n)
	var b builder
	for range n {
		if x.s == "" {
			break
		}
		b.str(x)
	}
	out := b.done()
	out.safe = x.safe
	return out
}

func (st *state) listOp(op string, x *List, b Value) (Value, bool) {
	if x.shape > tupleShape {
		return nil, false
	}
	switch op {
	case "+":
		y, ok := b.(*List)
		if !ok || y.shape != x.shape {
			return nil, false
		}
		st.chargeTimes(16, int64(len(x.items)+len(y.items)))
		items := make([]Value, 0, len(x.items)+len(y.items))
		items = append(append(items, x.items...), y.items...)
		return &List{items: items, shape: x.shape, source: merge(x.source, y.source)}, true
	case "*":
		n, ok := asInt(b)
		if !ok {
			return nil, false
		}
		n = max(n, 0)
		st.chargeTimes(16*int64(len(x.items)), n)
		out := &List{shape: x.shape, source: x.source}
		if len(x.items) > 0 {
			for range n {
				out.items = append(out.items, x.items...)
			}
		}
		return out, true
	}
	return nil, false
}

func arithmetic(op string, a, b Value) (Value, bool) {
	x, okX := asBig(a)
	y, okY := asBig(b)
	if okX && okY && op != "/" && !(op == "**" && y.Sign() < 0) {
		return integer(op, x, y), true
	}
	f, okX := asFloat(a)
	g, okY := asFloat(b)
	if !okX || !okY {
		return nil, false
	}
	switch op {
	case "+":
		return f + g, true
	case "-":
		return f - g, true
	case "*":
		return f * g, true
	case "**":
		if f == 0 && g < 0 {
			fail("0.0 cannot be raised to a negative power")
		}
		if f < 0 && g != math.Trunc(g) {
			fail("complex numbers are not supported")
		}
		return math.Pow(f, g), true
	}
	if g == 0 {
		fail("division by zero")
	}
	switch op {
	case "/":
		return f / g, true
	case "//":
		return math.Floor(f / g), true
	}
	m := math.Mod(f, g)
	if m != 0 && (m < 0) != (g < 0) {
		m += g
	}
	return m, true
}

func asBig(v Value) (*big.Int, bool) {
	if x, ok := v.(*big.Int); ok {
		return x, true
	}
	i, ok := asInt(v)
	return big.NewInt(i), ok
}

// integer is exact; division rounds towards minus infinity.
func integer(op string, x, y *big.Int) Value {
	z := new(big.Int)
	switch op {
	case "+":
		z.Add(x, y)
	case "-":
		z.Sub(x, y)
	case "*":
		z.Mul(x, y)
	case "**":
		if n := x.BitLen(); n > 1 && (!y.IsInt64() || y.Int64() > int64(maxBits/(n-1))) {
			fail("integer too large")
		}
		if x.BitLen() <= 1 && !y.IsInt64() {
			y = new(big.Int).And(y, big.NewInt(1)) // only the parity matters
			y.Add(y, big.NewInt(2))
		}
		z.Exp(x, y, nil)
	default:
		if y.Sign() == 0 {
			fail("division by zero")
		}
		m := new(big.Int)
		z.QuoRem(x, y, m)
		if m.Sign() != 0 && m.Sign() != y.Sign() {
			z.Sub(z, big.NewInt(1))
			m.Add(m, y)
		}
		if op == "%" {
			z = m
		}
	}
	return fromBig(z)
}

// fromBig gives the smallest representation, so that equal ints are alike.
func fromBig(z *big.Int) Value {
	if z.IsInt64() {
		return z.Int64()
	}
	if z.BitLen() > maxBits {
		fail("integer too large")
	}
	return z
}

// negate is Python's -v.
func negate(v Value) Value {
	switch x := v.(type) {
	case float64:
		return -x
	case Undefined:
		fail("%s", x.message)
	}
	x, ok := asBig(v)
	if !ok {
		fail("bad operand type for unary -: '%s'", typeName(v))
	}
	return fromBig(new(big.Int).Neg(x))
}
