package lint

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// private is a kind of text that should not be learnt by heart.
type private struct {
	name   string
	at     func() *regexp.Regexp
	marks  []string          // one is in each text that matches; nil: digits are
	digits int               // so many at least are in each text that matches
	check  func(string) bool // nil: all that match
	secret bool
}

// may tells whether a text with so many digits can match. Most texts cannot, and to know
// that is much cheaper than the pattern.
func (p *private) may(text string, digits int) bool {
	if digits < p.digits {
		return false
	}
	return p.marks == nil || slices.ContainsFunc(p.marks, func(m string) bool { return strings.Contains(text, m) })
}

var privates = []private{
	{"a private key", pattern(`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----`), []string{"-----BEGIN"}, 0, nil, true},
	{"an access key", pattern(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b|\bgh[pousr]_[0-9A-Za-z]{36,}\b|\bgithub_pat_[0-9A-Za-z_]{22,}\b|\bglpat-[0-9A-Za-z_-]{20,}\b|\bsk-[0-9A-Za-z_-]{20,}\b|\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}\b|\bxox[abprs]-[0-9A-Za-z-]{10,}\b|\bhf_[0-9A-Za-z]{30,}\b|\bnpm_[0-9A-Za-z]{36}\b|\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b`), []string{"AKIA", "ASIA", "AIza", "gh", "github_pat_", "glpat-", "sk-", "k_", "xox", "hf_", "npm_", "SG."}, 0, nil, true},
	{"a token", pattern(`\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}`), []string{"eyJ"}, 0, nil, true},
	{"a password", pattern(`(?i)\b(?:password|passwd|pwd|secret|api[_-]?key)["']?\s*[:=]\s*["']?[^\s"',;<>{}\[\]]{8,}`), []string{":", "="}, 0, mixedCharacters, true},
	{"a password in an address", pattern(`\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@]+@[^\s/]+`), []string{"://"}, 0, nil, true},
	{"an e-mail address", pattern(`\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b`), []string{"@"}, 0, realAddress, false},
	{"a card number", pattern(`\b\d(?:[ -]?\d){12,18}\b`), nil, 13, luhn, false},
	{"an IBAN", pattern(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`), nil, 2, iban, false},
	{"a telephone number", pattern(`(?:\+\d{1,3}[ .-]?|\b0)(?:\(\d{1,5}\)|\d{1,5})(?:[ ./-]?\d{2,5}){2,5}\b|\(\d{3}\) ?\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b`), nil, 8, telephone, false},
	{"a social security number", pattern(`\b\d{3}-\d{2}-\d{4}\b`), nil, 9, nil, false},
}

// secrets looks for keys, passwords and data of persons.
func secrets(ctx context.Context, in *Input) ([]Finding, error) {
	found := make([][]int, len(privates))
	texts := make([]string, len(privates))
	for i := range in.Set.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := &in.Set.Rows[i]
		for _, f := range fields(r) {
			text, digits := f.text, countDigits(f.text)
			for k := range privates {
				if !privates[k].may(text, digits) {
					continue
				}
				m, rest := privates[k].find(text)
				if m == "" {
					continue
				}
				text = rest // so that a part of an IBAN is no telephone number
				if found[k] = append(found[k], r.Line); texts[k] == "" {
					texts[k] = fmt.Sprintf("line %d, %s: %s", r.Line, f.name, masked(m))
				}
			}
		}
	}
	var out []Finding
	for k, p := range privates {
		if len(found[k]) == 0 {
			continue
		}
		f := lines("personal_data", found[k])
		f.Fix = "replace it by something made up, unless it may be public: models repeat what they were trained on"
		if p.secret {
			f.Check, f.Fix = "secret", "remove it and have it revoked: models repeat what they were trained on"
		}
		f.Message, f.Evidence = fmt.Sprintf("%s what looks like %s", have(f.Count), p.name), texts[k]
		out = append(out, f)
	}
	return out, nil
}

// find is the first that is in a text, and the text without any of them.
func (p *private) find(text string) (first, rest string) {
	rest = p.at().ReplaceAllStringFunc(text, func(m string) string {
		if p.check != nil && !p.check(m) {
			return m
		}
		if first == "" {
			first = m
		}
		return "\ufffd"
	})
	return first, rest
}

// masked shows enough of a secret to find it.
func masked(s string) string {
	r := []rune(s)
	n := min(len(r)/3, 6)
	return string(r[:n]) + "…"
}

// countDigits counts those of ASCII.
func countDigits(s string) (n int) {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

func digits(s string) (out []int) {
	for _, c := range s {
		if c >= '0' && c <= '9' {
			out = append(out, int(c-'0'))
		}
	}
	return out
}

// luhn is the check of card numbers (ISO/IEC 7812-1, annex B).
func luhn(s string) bool {
	d := digits(s)
	if len(d) < 13 || d[0] < 2 || d[0] > 6 {
		return false
	}
	sum := 0
	for i, n := range d {
		if (len(d)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// iban is the check of account numbers (ISO 13616: the rest by 97 is 1).
func iban(s string) bool {
	s = strings.ReplaceAll(s, " ", "")
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for _, c := range s[4:] + s[:4] {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}

// telephone leaves out years, dates and other short numbers.
func telephone(s string) bool {
	n := len(digits(s))
	return n >= 8 && n <= 15 && !(luhn(s) && n >= 13)
}

// realAddress leaves out those that are reserved for examples (RFC 2606).
func realAddress(s string) bool {
	_, host, _ := strings.Cut(strings.ToLower(s), "@")
	for _, end := range []string{"example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".localhost"} {
		if strings.HasSuffix(host, end) {
			return false
		}
	}
	return true
}

// mixedCharacters leaves words out: secrets have letters and others.
func mixedCharacters(s string) bool {
	_, value, _ := strings.Cut(strings.ReplaceAll(s, "=", ":"), ":")
	return strings.ContainsAny(value, "0123456789") && strings.ContainsAny(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz")
}
