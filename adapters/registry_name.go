package adapters

import (
	"fmt"
	"regexp"
	"strings"
)

const maxName = 200 // bytes

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:-]*$`)

// CheckName tells whether an adapter can have a name: letters, digits and . _ / : -
// in up to 200 bytes, beginning with a letter or digit. "::" and "@" stand between
// names in requests; fine-tunes without a suffix have "::" in their names, which begin
// with "ft:". Errors: ErrName.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > maxName:
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrName, len(name), maxName)
	case !namePattern.MatchString(name) || strings.Contains(name, "::") && !strings.HasPrefix(name, "ft:"):
		return fmt.Errorf("%w: %q: want letters, digits and . _ / : - (but no ::), beginning with a letter or digit", ErrName, name)
	}
	return nil
}

const digestPrefix = "sha256:"

var hexPattern = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// span reads a generation, or its beginning, with or without "sha256:". All that
// begin so lie from low to high. Errors: ErrNotFound.
func span(generation string) (low, high string, err error) {
	digits := strings.TrimPrefix(strings.ToLower(generation), digestPrefix)
	if !hexPattern.MatchString(digits) {
		return "", "", fmt.Errorf("%w: generation %q: want sha256:, or at least its first 8 digits", ErrNotFound, generation)
	}
	low = digestPrefix + digits
	if len(digits) == 64 {
		return low, low, nil
	}
	return low, low + "g", nil // after every digit
}

// stands tells whether a generation is the expected one, which may be cut short.
func stands(generation, expected string) error {
	low, high, err := span(expected)
	if err != nil {
		return err
	}
	if generation == "" {
		return fmt.Errorf("%w: it stands for none now, not for %s", ErrMismatch, expected)
	}
	if generation < low || generation > high {
		return fmt.Errorf("%w: it stands for %s now, not for %s", ErrMismatch, generation, expected)
	}
	return nil
}
