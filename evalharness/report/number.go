package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"graft/evalharness"
)

// unit writes a metric's values as people read them: shares as per cent, the rest with
// three digits, scales of 100 with one.
type unit struct{ percent, hundred bool }

func unitOf(m evalharness.Metric) unit {
	return unit{percent: m.Scale != 100 && (m.Kind == "binary" || strings.HasPrefix(m.Name, "accuracy")), hundred: m.Scale == 100}
}

func (u unit) value(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case u.percent:
		return fmt.Sprintf("%.1f %%", 100*v)
	case u.hundred:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// diff is a difference with its sign; of shares, in points.
func (u unit) diff(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case u.percent:
		return minus(fmt.Sprintf("%+.1f", 100*v))
	case u.hundred:
		return minus(fmt.Sprintf("%+.1f", v))
	}
	return minus(fmt.Sprintf("%+.3f", v))
}

// name is what a difference is counted in.
func (u unit) name() string {
	if u.percent {
		return " points"
	}
	return ""
}

// one is the value of a single case: of a share, just 0 or 1.
func (u unit) one(v float64) string {
	if u.percent && finite(v) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return u.value(v)
}

// sentence begins with a capital letter.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// minus puts the sign that is as wide as a plus.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

func pValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return "–"
	case p < .001:
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// integer groups thousands.
func integer(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

func millis(ms float64) string {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return "–"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 120_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.1f min", ms/60_000)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// short is enough of a digest to tell it from others.
func short(hash string) string {
	hash = strings.TrimPrefix(hash, "sha256:")
	if len(hash) > 12 {
		return hash[:12]
	}
	return hash
}
