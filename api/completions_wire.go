package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"graft/serving"
)

// completion is the reply of completions.
type completion struct {
	ID                string             `json:"id"`
	Object            string             `json:"object"`
	Created           int64              `json:"created"`
	Model             string             `json:"model"`
	Choices           []completionChoice `json:"choices"`
	Usage             usage              `json:"usage"`
	SystemFingerprint *string            `json:"system_fingerprint"`
	reported
}

type completionChoice struct {
	Text         string          `json:"text"`
	Index        int             `json:"index"`
	Logprobs     json.RawMessage `json:"logprobs"`
	FinishReason string          `json:"finish_reason"`
}

// choice is one answer on the wire; with echo it begins with the prompt.
func (r *completionRequest) choice(index int, a *answer) completionChoice {
	c := completionChoice{Index: index, Text: string(a.text), FinishReason: string(a.finish)}
	if r.Logprobs >= 0 {
		var at textOffset
		c.Logprobs = at.appendLogprobs(nil, a.tokens)
	}
	return c
}

// textOffset counts the characters that tokens have filled so far.
type textOffset int

// next returns where in the text t begins, in characters; a token that begins
// inside a character begins where that does.
func (at *textOffset) next(t serving.TokenLogprob) int {
	begin := int(*at)
	if len(t.Bytes) > 0 && !utf8.RuneStart(t.Bytes[0]) && begin > 0 {
		begin--
	}
	for _, c := range t.Bytes {
		if utf8.RuneStart(c) {
			*at++
		}
	}
	return begin
}

// appendLogprobs appends the logprobs object of completions: four lists of the
// same length. The alternatives of a token always hold the token itself.
func (at *textOffset) appendLogprobs(b []byte, tokens []serving.TokenLogprob) []byte {
	b = append(b, `{"tokens":[`...)
	for i, t := range tokens {
		b = appendString(separate(b, i), tokenName(t.Bytes))
	}
	b = append(b, `],"token_logprobs":[`...)
	for i, t := range tokens {
		if b = separate(b, i); t.First {
			b = append(b, "null"...)
		} else {
			b = appendNumber(b, t.Logprob)
		}
	}
	b = append(b, `],"top_logprobs":[`...)
	for i, t := range tokens {
		if b = separate(b, i); t.First {
			b = append(b, "null"...)
		} else {
			b = appendAlternatives(b, t)
		}
	}
	b = append(b, `],"text_offset":[`...)
	for i, t := range tokens {
		b = strconv.AppendInt(separate(b, i), int64(at.next(t)), 10)
	}
	return append(b, `]}`...)
}

func separate(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func appendAlternatives(b []byte, t serving.TokenLogprob) []byte {
	b = append(b, '{')
	own := false
	for i, alt := range t.Top {
		b = appendString(separate(b, i), tokenName(alt.Bytes))
		b = appendNumber(append(b, ':'), alt.Logprob)
		own = own || bytes.Equal(alt.Bytes, t.Bytes) // names are keys; some backends tell no ids
	}
	if !own {
		b = appendString(separate(b, len(t.Top)), tokenName(t.Bytes))
		b = appendNumber(append(b, ':'), t.Logprob)
	}
	return append(b, '}')
}

// tokenName is a token as text, or OpenAI's "bytes:\xf0\x9f" when it holds a part
// of a character: names are keys, and must not all become U+FFFD.
func tokenName(token []byte) string {
	if utf8.Valid(token) {
		return string(token)
	}
	var b strings.Builder
	b.WriteString("bytes:")
	for _, c := range token {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

// completionWriter turns events into chunks; prompts that run at the same time share it.
type completionWriter struct {
	r       *completionRequest
	out     *eventStream
	head    []byte
	extra   []byte // at the end of the first and of the last chunk of a choice
	mu      sync.Mutex
	buf     []byte
	offsets []textOffset // per choice
	begun   []bool       // per choice
}

// event sends an event of prompt i.
func (w *completionWriter) event(i int, e serving.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	index := i*w.r.N + e.Index
	var logprobs []byte
	if len(e.Tokens) > 0 {
		logprobs = w.offsets[index].appendLogprobs(nil, e.Tokens)
	}
	return w.chunk(index, e.Text, logprobs, string(e.Finish))
}

// chunk must be called with mu held.
func (w *completionWriter) chunk(index int, text string, logprobs []byte, finish string) error {
	b := append(append(w.buf[:0], w.head...), `,"system_fingerprint":null,"choices":[{"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = appendString(append(b, `,"text":`...), text)
	b = append(b, `,"logprobs":`...)
	if logprobs == nil {
		b = append(b, "null"...)
	}
	b = append(b, logprobs...)
	b = append(appendFinish(b, finish), ']')
	if w.r.includeUsage {
		b = append(b, `,"usage":null`...)
	}
	if !w.begun[index] || finish != "" {
		w.begun[index] = true
		b = append(b, w.extra...)
	}
	w.buf = append(b, '}')
	return w.out.send(w.buf)
}
