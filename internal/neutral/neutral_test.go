package neutral

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestText: figures on this text are kept and compared, so it never changes.
func TestText(t *testing.T) {
	const want = "389a654ece627a1c"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(Text)))[:16]; got != want {
		t.Errorf("the text's digest is %s, not %s: figures measured on it cannot be compared any more", got, want)
	}
	if strings.ContainsFunc(Text, func(r rune) bool { return r > 126 || r < 32 && r != '\n' }) {
		t.Error("the text is not plain ASCII: tokenizers would differ by more than their vocabulary")
	}
}
