package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size, written as a number or with a unit: 512MiB, 2GB.
type Bytes int64

var units = []struct {
	name string
	size int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1},
}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, scale := strings.ToLower(strings.TrimSpace(string(text))), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			s, scale = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n*float64(scale) > math.MaxInt64/2 {
		return fmt.Errorf("%q is not a size: write bytes or a unit, as in 512MiB", text)
	}
	*b = Bytes(n * float64(scale))
	return nil
}

// String writes a size with the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b >= u.size && b%u.size == 0 {
			return fmt.Sprintf("%d%s", b/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Switch is true, false, or left to the program.
type Switch string

// The three positions of a Switch.
const (
	Auto Switch = "auto"
	On   Switch = "true"
	Off  Switch = "false"
)

// UnmarshalText reads a switch.
func (s *Switch) UnmarshalText(text []byte) error {
	switch v := Switch(strings.ToLower(string(text))); v {
	case Auto, On, Off:
		*s = v
		return nil
	}
	return fmt.Errorf("%q is not one of auto, true, false", text)
}
