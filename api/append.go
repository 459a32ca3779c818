package api

import (
	"math"
	"strconv"
	"unicode/utf8"

	"graft/serving"
)

// The chunks of a stream are appended by hand: a tenth of the time of
// encoding/json, and no garbage per token.

// appendString appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// lowestLogprob stands for minus infinity, which JSON cannot hold; it is OpenAI's number.
const lowestLogprob = -9999.0

func logprobNumber(x float64) float64 {
	if math.IsNaN(x) || x < lowestLogprob {
		return lowestLogprob
	}
	return x
}

func appendNumber(b []byte, x float64) []byte {
	return strconv.AppendFloat(b, logprobNumber(x), 'g', -1, 64)
}

// appendLogprobs appends the "logprobs" object of a chat choice.
func appendLogprobs(b []byte, tokens []serving.TokenLogprob) []byte {
	b = appendTokens(append(b, `{"content":`...), tokens)
	return append(b, `,"refusal":null}`...)
}

// appendTokens appends tokens with their alternatives.
func appendTokens(b []byte, tokens []serving.TokenLogprob) []byte {
	b = append(b, '[')
	for i, t := range tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendToken(b, t)
		b = append(b, `,"top_logprobs":[`...)
		for j, alt := range t.Top {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(appendToken(b, alt), '}')
		}
		b = append(b, `]}`...)
	}
	return append(b, ']')
}

// appendToken leaves its object open.
func appendToken(b []byte, t serving.TokenLogprob) []byte {
	b = append(b, `{"token":`...)
	b = appendString(b, string(t.Bytes))
	b = append(b, `,"logprob":`...)
	b = appendNumber(b, t.Logprob)
	b = append(b, `,"bytes":[`...)
	for i, c := range t.Bytes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(c), 10)
	}
	return append(b, ']')
}
