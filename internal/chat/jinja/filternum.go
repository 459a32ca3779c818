package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

func absFilter(_ *state, v Value, _ args) Value {
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	z, ok := asBig(v)
	if !ok {
		fail("bad operand type for abs(): '%s'", typeName(v))
	}
	return fromBig(new(big.Int).Abs(z))
}

func intFilter(_ *state, v Value, a args) Value {
	b := a.bind("int", 0, "default", "base")
	other := or(b[0], int64(0))
	switch x := v.(type) {
	case Str:
		if z, ok := parseInt(x.s, int(toInt(b[1], 10))); ok {
			return z
		}
		if f, ok := parseFloat(x.s); ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return truncate(f)
		}
		return other
	case float64:
		if math.IsInf(x, 0) {
			fail("cannot convert float infinity to integer")
		}
		if math.IsNaN(x) {
			return other
		}
		return truncate(x)
	case Undefined:
		fail("%s", x.message)
	}
	if z, ok := asBig(v); ok {
		return fromBig(z)
	}
	return other
}

func truncate(f float64) Value {
	z, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return fromBig(z)
}

// parseInt reads what Python's int(s, base) reads.
func parseInt(s string, base int) (Value, bool) {
	s = strings.ToLower(strings.TrimFunc(s, isSpace))
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(digits) < len(s)-1 || base != 0 && (base < 2 || base > 36) || len(digits) > 4300 {
		return nil, false
	}
	prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]
	if prefix != "" {
		digits = strings.TrimPrefix(digits, prefix)
		digits = strings.TrimPrefix(digits, "_")
	}
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") ||
		strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		return nil, false
	}
	if base == 0 && len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return nil, false // Go would read it as octal
	}
	if base != 0 {
		digits = strings.ReplaceAll(digits, "_", "")
	}
	z, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, false
	}
	if strings.HasPrefix(s, "-") {
		z.Neg(z)
	}
	return fromBig(z), true
}

// parseFloat reads what Python's float(s) reads.
func parseFloat(s string) (float64, bool) {
	s = strings.ToLower(strings.TrimFunc(s, isSpace))
	if strings.ContainsAny(s, "xp") || strings.Contains(s, "__") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func floatFilter(_ *state, v Value, a args) Value {
	other := or(a.bind("float", 0, "default")[0], 0.0)
	switch x := v.(type) {
	case Str:
		if f, ok := parseFloat(x.s); ok {
			return f
		}
		return other
	case Undefined:
		fail("%s", x.message)
	}
	if f, ok := asFloat(v); ok {
		return f
	}
	return other
}

func roundFilter(_ *state, v Value, a args) Value {
	b := a.bind("round", 0, "precision", "method")
	precision, method := toInt(b[0], 0), toStr(or(b[1], plain("common")), "the method").s
	f, ok := asFloat(v)
	if !ok {
		fail("type %s doesn't define __round__ method", typeName(v))
	}
	scale := math.Pow(10, float64(precision))
	switch method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
	default:
		fail("method must be common, ceil or floor")
	}
	if z, ok := asBig(v); ok && precision >= 0 {
		return fromBig(z)
	}
	rounded := roundTo(f, precision)
	if _, float := v.(float64); !float {
		return truncate(rounded)
	}
	return rounded
}

// roundTo rounds half to even, on the decimal value that f exactly has.
func roundTo(f float64, precision int64) float64 {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0) || precision > 340:
		return f
	case precision < -310:
		return 0
	case precision < 0:
		scale := math.Pow(10, float64(-precision))
		return math.RoundToEven(f/scale) * scale
	}
	out, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
	return out
}

func sumFilter(st *state, v Value, a args) Value {
	b := a.bind("sum", 0, "attribute", "start")
	total := or(b[1], int64(0))
	if isStr(total) {
		fail("sum() can't sum strings")
	}
	for _, x := range st.iterate(v) {
		if !isNone(b[0]) {
			x = getPath(x, b[0])
		}
		st.step(1)
		total = st.binary("+", total, x)
	}
	return total
}

func lengthFilter(_ *state, v Value, _ args) Value { return length(v) }

// length is Python's len(v).
func length(v Value) int64 {
	switch x := v.(type) {
	case Undefined:
		return 0
	case Str:
		return lengthOf(x)
	case *List:
		if x.shape != iteratorShape {
			return int64(len(x.items))
		}
	case *Dict:
		return int64(len(x.entries))
	case *loopState:
		return int64(len(x.items))
	}
	fail("object of type '%s' has no len()", typeName(v))
	return 0
}

func lengthOf(s Str) int64 { return int64(utf8.RuneCountInString(s.s)) }
