package evalharness

import (
	"fmt"
	"strings"
)

// answerMark is what the answer follows in a chain of thought.
const answerMark = "Answer:"

const thinkSuffix = "\n\nThink step by step. Then write the final answer on a line of its own that begins with \"" + answerMark + "\"."

// seal gives a prompt its hash.
func (p Prompt) seal() Prompt {
	p.Hash = ""
	p.Hash = hashOf(p)
	return p
}

// render makes the messages that a case is asked with. The instruction takes the place
// of the case's own; solved examples are turns before the question, and texts that were
// found for it stand above it.
func (p *Prompt) render(c *Case, examples []Example, documents []string) []Message {
	list := c.Messages
	var out []Message
	for len(list) > 1 && (list[0].Role == "system" || list[0].Role == "developer") {
		if p.Instruction == "" {
			out = append(out, list[0])
		}
		list = list[1:]
	}
	if p.Instruction != "" {
		out = append(out, Message{"system", p.Instruction})
	}
	for _, e := range examples {
		answer := e.Answer
		if p.Thinks {
			answer = answerMark + " " + answer
		}
		out = append(out, Message{"user", e.Question + p.Suffix}, Message{"assistant", answer})
	}
	out = append(out, list...)
	last := &out[len(out)-1]
	if len(documents) > 0 {
		last.Content = "Use what helps of these texts:\n\n" + strings.Join(documents, "\n\n") + "\n\n---\n\n" + last.Content
	}
	last.Content += p.Suffix
	return out
}

// extract finds what is scored in what a model wrote.
func (p *Prompt) extract(raw string) string {
	if p.Thinks {
		if i := strings.LastIndex(raw, answerMark); i >= 0 {
			raw = strings.TrimSpace(raw[i+len(answerMark):])
			if line, _, ok := strings.Cut(raw, "\n"); ok {
				raw = line
			}
		}
	}
	return strings.TrimSpace(raw)
}

// label reads an answer as one of the labels: it is one but for case and signs around
// it, or names just one of them as a whole word. Anything else is left as it is, and is
// no label. All arms are read alike.
func label(answer string, labels []string) (string, bool) {
	plain := strings.Trim(strings.ToLower(strings.TrimSpace(answer)), " \t\n\"'`*.,:;!()[]")
	found, count := "", 0
	for _, l := range labels {
		low := strings.ToLower(l)
		if plain == low {
			return l, true
		}
		if hasWord(plain, low) {
			found, count = l, count+1
		}
	}
	if count == 1 {
		return found, true
	}
	return answer, false
}

// hasWord tells whether s has w with no letter or digit beside it.
func hasWord(s, w string) bool {
	for from := 0; w != ""; {
		i := strings.Index(s[from:], w)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(w)
		if (start == 0 || !wordByte(s[start-1])) && (end == len(s) || !wordByte(s[end])) {
			return true
		}
		from = start + 1
	}
	return false
}

// wordByte takes all bytes beyond ASCII for letters.
func wordByte(b byte) bool {
	return b >= 0x80 || b == '_' || b == '-' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// variants are the instructions that the search begins with: the rows' own, those of the
// task, and a few that fit any task of its kind.
func (t *Task) variants(labels []string) []Prompt {
	base := Prompt{Variant: "own", MaxTokens: t.Generation.MaxTokens, Temperature: t.Generation.Temperature}
	out := []Prompt{base}
	add := func(name, text string) {
		p := base
		p.Variant, p.Instruction = name, text
		out = append(out, p)
	}
	for i, text := range t.Instructions {
		add(fmt.Sprintf("task-%d", i+1), text)
	}
	if len(labels) > 0 {
		list := strings.Join(labels, ", ")
		add("labels", "Answer with exactly one of these labels and nothing else: "+list+".")
		add("classify", "You classify texts. The categories are: "+list+". Read the text, decide which category fits it best, and reply with the name of that category only.")
		return out
	}
	add("brief", "Answer the request directly. Write the answer only, without an introduction or an explanation.")
	add("careful", "You are an expert. Read the request carefully and give the one answer that fits it best, in the form that is asked for.")
	return out
}
