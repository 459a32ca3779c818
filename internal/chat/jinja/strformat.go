package jinja

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// layout is what stands between the value and its text in "%5.2f" and
// "{:>5.2f}".
type layout struct {
	fill      rune
	align     byte // < > ^ =, 0 for the kind's own
	sign      byte // + or space, 0 for none
	alternate bool // #
	width     int64
	comma     string
	precision int // -1: not given
	verb      byte
}

// maxWidth bounds widths and precisions of formats.
const maxWidth = 10_000

func formatWidth(digits string) int {
	n, err := strconv.Atoi(digits)
	if digits == "" {
		return 0
	}
	if err != nil || n > maxWidth {
		fail("a format is wider than %d", maxWidth)
	}
	return n
}

// number writes v as the verb says, without padding. ok is false if v is not
// a number of the right kind.
func (l layout) number(v Value) (digits string, ok bool) {
	switch l.verb {
	case 'd', 'x', 'X', 'o', 'b':
		z, ok := asBig(v)
		if !ok {
			return "", false
		}
		return l.integer(z), true
	case 'f', 'F', 'e', 'E', 'g', 'G', '%':
		f, ok := asFloat(v)
		if !ok {
			return "", false
		}
		return l.float(f), true
	}
	return "", false
}

func (l layout) integer(z *big.Int) string {
	base, prefix := 10, ""
	switch l.verb {
	case 'x', 'X':
		base, prefix = 16, "0x"
	case 'o':
		base, prefix = 8, "0o"
	case 'b':
		base, prefix = 2, "0b"
	}
	s := new(big.Int).Abs(z).Text(base)
	if l.precision > len(s) {
		s = strings.Repeat("0", l.precision-len(s)) + s
	}
	s = group(s, l.comma)
	if l.alternate {
		s = prefix + s
	}
	if l.verb == 'X' {
		s = strings.ToUpper(s)
	}
	return l.signed(z.Sign() < 0, s)
}

func (l layout) float(f float64) string {
	precision := l.precision
	if precision < 0 {
		precision = 6
	}
	verb, suffix := l.verb|0x20, "" // lower case
	if l.verb == '%' {
		f, verb, suffix = f*100, 'f', "%"
	}
	if verb == 'g' {
		precision = max(precision, 1)
	}
	a := math.Abs(f)
	var s string
	switch {
	case math.IsNaN(f):
		s = "nan"
	case math.IsInf(f, 0):
		s = "inf"
	case verb == 'g':
		// Go's %g takes the shorter form from another exponent on.
		if a != 0 && (a < 1e-4 || a >= math.Pow10(precision)) {
			s = trimZeros(strconv.FormatFloat(a, 'e', precision-1, 64))
		} else {
			s = strconv.FormatFloat(a, 'g', precision, 64)
			if x, err := strconv.ParseFloat(s, 64); err == nil {
				s = strconv.FormatFloat(x, 'f', -1, 64)
			}
		}
	default:
		s = strconv.FormatFloat(a, verb, precision, 64)
	}
	whole, rest := s, ""
	if i := strings.IndexAny(s, ".e"); i >= 0 {
		whole, rest = s[:i], s[i:]
	}
	if l.comma != "" && !math.IsInf(f, 0) && !math.IsNaN(f) {
		s = group(whole, l.comma) + rest
	}
	if l.verb == 'E' || l.verb == 'G' || l.verb == 'F' {
		s = strings.ToUpper(s)
	}
	return l.signed(math.Signbit(f) && !math.IsNaN(f), s+suffix)
}

func trimZeros(s string) string {
	mantissa, exponent, _ := strings.Cut(s, "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + exponent
}

func (l layout) signed(negative bool, s string) string {
	switch {
	case negative:
		return "-" + s
	case l.sign != 0:
		return string(l.sign) + s
	}
	return s
}

// group puts a separator between thousands.
func group(digits, comma string) string {
	if comma == "" {
		return digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + comma + digits[i:]
	}
	return digits
}

// place pads s to the width.
func (st *state) place(s Str, l layout, own byte) Str {
	align := l.align
	if align == 0 {
		align = own
	}
	if l.fill == 0 {
		l.fill = ' '
	}
	fill := plain(string(l.fill))
	switch align {
	case '<':
		return st.pad(s, l.width, fill, "ljust")
	case '^':
		missing := max(0, l.width-int64(utf8.RuneCountInString(s.s)))
		return Join(st.repeat(fill, missing/2), s, st.repeat(fill, missing-missing/2))
	case '=':
		n := len(s.s) - len(strings.TrimLeft(s.s, "+- "))
		return Join(s.cut(0, n), st.pad(s.from(n), l.width-int64(n), fill, "rjust"))
	}
	return st.pad(s, l.width, fill, "rjust")
}

var percentRE = regexp.MustCompile(`^%(?:\(([^()]*)\))?([-+ 0#]*)(\d*)(?:\.(\d*))?[hlL]?([a-zA-Z%])`)

// percent is Python's s % v.
func (st *state) percent(s Str, v Value) Str {
	values := []Value{v}
	if l, ok := v.(*List); ok && l.shape == tupleShape {
		values = l.items
	}
	mapping, _ := v.(*Dict)
	keyed := isSequence(v) && !isStr(v) // in Python's eyes; then nothing need be used
	used := 0
	var b builder
	at := 0
	for at < len(s.s) {
		i := strings.IndexByte(s.s[at:], '%')
		if i < 0 {
			break
		}
		b.str(s.cut(at, at+i))
		m := percentRE.FindStringSubmatch(s.s[at+i:])
		if m == nil {
			fail("unsupported format: %s", quote(s.s[at+i:]))
		}
		at += i + len(m[0])
		if m[5] == "%" {
			b.text("%")
			continue
		}
		var arg Value
		switch {
		case m[1] != "" || strings.HasPrefix(m[0], "%("):
			if mapping == nil {
				fail("format requires a mapping")
			}
			held, ok := mapping.name(m[1])
			if !ok {
				fail("the format needs a value named %s", quote(m[1]))
			}
			arg, used = held, len(values)
		case used >= len(values):
			fail("not enough arguments for format string")
		default:
			arg = values[used]
			used++
		}
		text := st.percentValue(m, arg)
		if s.safe {
			text = text.escape()
		}
		st.charge(len(text.s))
		b.str(text)
	}
	b.str(s.from(at))
	if l, tuple := v.(*List); used < len(values) && (!keyed || tuple && l.shape == tupleShape) {
		fail("not all arguments converted during string formatting")
	}
	out := b.done()
	out.safe = s.safe
	return out
}

func (st *state) percentValue(m []string, arg Value) Str {
	flags := m[2]
	l := layout{width: int64(formatWidth(m[3])), precision: -1, verb: m[5][0], alternate: strings.Contains(flags, "#")}
	if m[4] != "" || strings.Contains(m[0], ".") {
		l.precision = formatWidth(m[4])
	}
	if strings.Contains(flags, " ") {
		l.sign = ' '
	}
	if strings.Contains(flags, "+") {
		l.sign = '+'
	}
	if strings.Contains(flags, "0") {
		l.fill, l.align = '0', '='
	}
	if strings.Contains(flags, "-") {
		l.fill, l.align = ' ', '<'
	}
	switch l.verb {
	case 's', 'r', 'a':
		text := softStr(arg)
		if l.verb != 's' {
			text = repr(arg)
		}
		if l.precision >= 0 {
			text = between(text, nil, int64(l.precision))
		}
		if l.align == '=' {
			l.fill, l.align = ' ', '>'
		}
		return st.place(text, l, '>')
	case 'i', 'u':
		l.verb = 'd'
	}
	if f, ok := arg.(float64); ok && l.verb == 'd' {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			fail("cannot convert float %s to integer", floatText(f))
		}
		z, _ := big.NewFloat(math.Trunc(f)).Int(nil)
		arg = fromBig(z)
	}
	digits, ok := l.number(arg)
	if !ok {
		fail("%%%c format: a number is required, not %s", l.verb, typeName(arg))
	}
	return st.place(plain(digits), l, '>')
}
