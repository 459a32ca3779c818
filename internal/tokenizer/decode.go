package tokenizer

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// decoding says how the texts of tokens make up a text.
type decoding struct {
	bytes     bool   // byte-level
	blank     string // stands for a space: ▁
	fallback  bool   // byte tokens stand for bytes, and a run of them that is not UTF-8 for one U+FFFD each
	fused     bool
	strip     int  // spaces taken from the start of a text
	openBlank bool // the first token goes without its blanks (Metaspace)
	words     *wordJoin
}

// wordJoin puts a space before each token that does not go on with a word (WordPiece).
type wordJoin struct {
	prefix  string // of tokens that do go on: ##
	cleanup bool
}

// Bytes returns what a token adds in the middle of a text. The bytes of one
// token need not be whole runes. It is nil for an id that no token has.
func (t *Tokenizer) Bytes(id int32) []byte {
	if !t.has(id) {
		return nil
	}
	return []byte(t.raw[id])
}

// Text returns a token as its vocabulary writes it: Ġthe, ▁the, ##ing. It is ""
// for an id that no token has.
func (t *Tokenizer) Text(id int32) string {
	if !t.has(id) {
		return ""
	}
	switch {
	case !t.byteLevel:
		return t.names[id]
	case t.kinds[id]&isPlain != 0:
		return t.raw[id]
	}
	return byteCharacters(t.raw[id])
}

func (t *Tokenizer) has(id int32) bool {
	return id >= 0 && int(id) < len(t.kinds) && t.kinds[id]&isToken != 0
}

// Decode returns the text of ids, without control tokens if skipSpecial is set.
// What is not valid UTF-8 becomes U+FFFD. Ids that no token has are left out.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	out := make([]byte, 0, 4*len(ids))
	first := true
	byteRun := -1 // where the byte tokens that end out begin
	for _, id := range ids {
		if !t.has(id) || skipSpecial && t.kinds[id]&isControl != 0 {
			continue
		}
		if isByte := t.kinds[id]&isByte != 0; !isByte {
			out, byteRun = t.endBytes(out, byteRun), -1
		} else if byteRun < 0 {
			byteRun = len(out)
		}
		if first {
			out = append(out, t.opening(id)...)
		} else {
			out = append(out, t.raw[id]...)
		}
		first = false
	}
	out = t.endBytes(out, byteRun)
	n := 0
	for n < t.decoder.strip && n < len(out) && out[n] == ' ' {
		n++
	}
	out = out[n:]
	if utf8.Valid(out) {
		return string(out)
	}
	valid, _ := lossy(make([]byte, 0, len(out)+16), out, true)
	return string(valid)
}

// endBytes closes a run of byte tokens: when it is not UTF-8, every byte of it
// becomes U+FFFD (the ByteFallback decoder of tokenizers).
func (t *Tokenizer) endBytes(out []byte, start int) []byte {
	if start < 0 || !t.decoder.fallback || utf8.Valid(out[start:]) {
		return out
	}
	n := len(out) - start
	return append(out[:start], bytes.Repeat([]byte(replacement), n)...)
}

// opening is what a token adds at the start of a text.
func (t *Tokenizer) opening(id int32) string {
	switch d := &t.decoder; {
	case d.openBlank:
		return strings.ReplaceAll(t.names[id], d.blank, "")
	case d.words != nil:
		return d.words.clean(t.names[id])
	}
	return t.raw[id]
}

// later is what a token of words adds after others.
func (w *wordJoin) later(name string) string {
	if rest, found := strings.CutPrefix(name, w.prefix); found && w.prefix != "" {
		return w.clean(rest)
	}
	return w.clean(" " + name)
}

// cleanups are made in each token, in this order (tokenizers, decoders/wordpiece.rs).
var cleanups = [][2]string{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
	{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func (w *wordJoin) clean(token string) string {
	if !w.cleanup {
		return token
	}
	for _, c := range cleanups {
		token = strings.ReplaceAll(token, c[0], c[1])
	}
	return token
}
