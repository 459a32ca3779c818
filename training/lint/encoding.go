package lint

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// broken is UTF-8 that was read as Latin-1 and written as UTF-8 again.
var broken = pattern("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac[\u0098-\u2122]|\u00ef\u00bf\u00bd")

// encoding looks for text that went through a wrong encoding, and for characters that
// nobody sees.
func encoding(ctx context.Context, in *Input) ([]Finding, error) {
	var wrong, hidden []int
	var wrongText, hiddenText string
	for i := range in.Set.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := &in.Set.Rows[i]
		for _, f := range fields(r) {
			at := strings.IndexRune(f.text, '\ufffd')
			if m := broken().FindStringIndex(f.text); m != nil {
				at = m[0]
			}
			if at >= 0 {
				if wrong = append(wrong, r.Line); wrongText == "" {
					wrongText = fmt.Sprintf("line %d, %s: %s", r.Line, f.name, excerpt(f.text, at))
				}
			}
			if at := strings.IndexFunc(f.text, invisible); at >= 0 {
				if hidden = append(hidden, r.Line); hiddenText == "" {
					hiddenText = fmt.Sprintf("line %d, %s: %s", r.Line, f.name, strconv.QuoteToASCII(excerpt(f.text, at)))
				}
			}
		}
	}
	var out []Finding
	if len(wrong) > 0 {
		f := lines("encoding", wrong)
		f.Message, f.Evidence, f.Fix = "text seems to have gone through a wrong encoding", wrongText, "write the file again from the source, as UTF-8"
		out = append(out, f)
	}
	if len(hidden) > 0 {
		f := lines("encoding", hidden)
		f.Message, f.Evidence, f.Fix = "text has control characters or others that cannot be seen", hiddenText, "remove them"
		out = append(out, f)
	}
	return out, nil
}

// invisible leaves out what joins emoji and letters of some scripts. Overrides of the
// direction of writing show a text otherwise than the model reads it.
func invisible(c rune) bool {
	switch c {
	case '\n', '\t', '\r', '\u200c', '\u200d', '\u00ad':
		return false
	case '\u200b', '\ufeff', '\u2060', '\u202d', '\u202e':
		return true
	}
	return unicode.IsControl(c)
}
