package dataset

import (
	"strings"

	"graft/internal/chat"
)

// Kind is what the rows of a file are.
type Kind string

// The kinds.
const (
	Chat       Kind = "chat"       // conversations
	Completion Kind = "completion" // prompts and what follows
	Preference Kind = "preference" // a better and a worse answer (DPO)
)

// Row is a line of a file.
type Row struct {
	Line int
	Kind Kind

	Messages []chat.Message // of Chat; of Preference what both answers follow
	Weights  []float32      // of Messages: 0 for those that are not trained
	Tools    []chat.Tool

	Prompt, Completion string // of Completion

	Preferred, Rejected []chat.Message // of Preference
}

// Question is the text that a row's answer follows, without the answer: for
// comparisons of rows.
func (r *Row) Question() string {
	if r.Kind == Completion {
		return r.Prompt
	}
	list := r.Messages
	if r.Kind == Chat && len(list) > 0 {
		list = list[:len(list)-1]
	}
	return textOf(list)
}

// Answer is what the row teaches at its end.
func (r *Row) Answer() string {
	switch r.Kind {
	case Completion:
		return r.Completion
	case Preference:
		return textOf(r.Preferred)
	}
	if len(r.Messages) == 0 {
		return ""
	}
	return Text(r.Messages[len(r.Messages)-1])
}

func textOf(list []chat.Message) string {
	texts := make([]string, len(list))
	for i, m := range list {
		texts[i] = m.Role + ": " + Text(m)
	}
	return strings.Join(texts, "\n")
}

// Text is all that a message says, its calls included.
func Text(m chat.Message) string {
	var texts []string
	add := func(s string) {
		if s != "" {
			texts = append(texts, s)
		}
	}
	add(m.Reasoning)
	for _, p := range m.Content {
		add(p.Text)
	}
	for _, c := range m.ToolCalls {
		add(c.Name + " " + c.Arguments)
	}
	return strings.Join(texts, "\n")
}
