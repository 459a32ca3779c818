package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is cut out of the text before anything else:
// control tokens such as <|im_end|>, and strings that a model was given one
// token for.
type addedToken struct {
	id         int32
	content    string
	control    bool // special: takes no part in text, and is left out of decoded text on demand
	guarded    bool // recognised only where control tokens are asked for
	singleWord bool // only where no word character is next to it
	lstrip     bool // takes white space before it along
	rstrip     bool // and after it
	normalized bool // looked for in the normalised text, else in the input
}

// maxAdded bounds the text of an added token, in bytes.
const maxAdded = 1 << 12

// addedTokens finds added tokens, leftmost first and of those the longest.
type addedTokens struct {
	tokens []addedToken
	trie   *trie // values index tokens
}

// newAddedTokens indexes tokens by their text; nil when there is none.
func newAddedTokens(tokens []addedToken, key func(addedToken) string) *addedTokens {
	if len(tokens) == 0 {
		return nil
	}
	keys := make([]trieKey, len(tokens))
	for i, t := range tokens {
		keys[i] = trieKey{key(t), int32(i)}
	}
	return &addedTokens{tokens: tokens, trie: newTrie(keys)}
}

// find returns the first added token in t.s[from:] that the options permit: what
// it is and the bytes of t.s that it takes, white space included; nil and the
// end of the text when there is none.
func (a *addedTokens) find(t text, from int, o *EncodeOptions) (tok *addedToken, start, end int) {
	s := t.s
	for i := from; i < len(s); {
		if a.trie.first[s[i]] < 0 {
			i++
			continue
		}
		found, j := a.longest(t, i, o)
		if found == nil {
			i++
			continue
		}
		if found.singleWord && (endsWithWord(s[:i]) || startsWithWord(s[j:])) {
			i = j
			continue
		}
		start, end = i, j
		if found.lstrip {
			start = max(from, len(strings.TrimRightFunc(s[:i], unicode.IsSpace)))
		}
		if found.rstrip {
			end = len(s) - len(strings.TrimLeftFunc(s[j:], unicode.IsSpace))
		}
		return found, start, end
	}
	return nil, len(s), len(s)
}

// longest returns the longest permitted token that t.s[i:] starts with and its end.
func (a *addedTokens) longest(t text, i int, o *EncodeOptions) (*addedToken, int) {
	var best *addedToken
	end, node := i, int32(0)
	for j := i; j < len(t.s); j++ {
		node = a.trie.child(node, t.s[j])
		if node < 0 {
			break
		}
		if v := a.trie.nodes[node].value; v >= 0 {
			tok := &a.tokens[v]
			if tok.guarded {
				start, stop := t.origin(i, j+1)
				if !o.permits(start, stop) {
					continue
				}
			}
			best, end = tok, j+1
		}
	}
	return best, end
}

func endsWithWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && isWord(r)
}

func startsWithWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && isWord(r)
}

// isWord is \w of Unicode's regular expressions (UTS 18, annex C).
func isWord(r rune) bool {
	return classOf(r)&(letter|mark) != 0 || classOf(r)&number != 0 && !unicode.Is(unicode.No, r) ||
		unicode.In(r, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
