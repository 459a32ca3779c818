package tokenizer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// serdeFloat reads a number as serde_json does, which tokenizers reads its files
// with: the digits as an integer, then one multiplication or division by a power
// of ten. The last bit may differ from the nearest float64, and with it which of
// two divisions of a text with the same score a unigram model takes.
func serdeFloat(text string) (float64, error) {
	exact, err := strconv.ParseFloat(text, 64)
	if err != nil || text[0] == '+' {
		return 0, fmt.Errorf("want a number, have %s", clip(text))
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	var digits uint64
	power := 0
	for i, c := range []byte(whole + fraction) {
		next := digits*10 + uint64(c-'0')
		if digits > (math.MaxUint64-9)/10 { // the digits that do not fit are left out
			power += max(0, len(whole)-i)
			break
		}
		digits = next
		if i >= len(whole) {
			power--
		}
	}
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil || e < -1000 || e > 1000 {
			return exact, nil
		}
		power += e
	}
	f := float64(digits)
	switch {
	case power < -308 || power > 308:
		return exact, nil
	case power < 0:
		f /= math.Pow10(-power)
	default:
		f *= math.Pow10(power)
	}
	if negative {
		f = -f
	}
	return f, nil
}
