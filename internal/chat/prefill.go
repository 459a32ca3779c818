package chat

import (
	"strings"
	"unicode"

	"graft/internal/chat/jinja"
)

// continueTag is put behind the last message, to find where it ends in the
// rendered text. Its trailing space tells whether the template trims content.
// Text and rules are those of continue_final_message in transformers.
const continueTag = "CONTINUE_FINAL_MESSAGE_TAG "

// tag marks the end of the last turn's content, and returns that content.
func tag(turns []turn) (string, error) {
	last := &turns[len(turns)-1]
	mark := jinja.Text(continueTag, tagSource)
	switch c := last.content.(type) {
	case jinja.Str:
		last.content = jinja.Join(c, mark)
		return c.String(), nil
	case *jinja.List:
		for i := c.Len() - 1; i >= 0; i-- {
			part, ok := c.At(i).(*jinja.Dict)
			if !ok {
				continue
			}
			if text, ok := part.Get("text").(jinja.Str); ok {
				part.Set("text", jinja.Join(text, mark))
				return text.String(), nil
			}
		}
	}
	return "", wrong("messages", "%w: it has no content", ErrContinue)
}

// cutAtTag drops the tag and what the template wrote behind it. final is the
// content that must be there.
func cutAtTag(out jinja.Output, final string) (jinja.Output, error) {
	if !strings.Contains(out.Text, strings.TrimSpace(final)) {
		return out, wrong("messages", "%w: the chat template drops a part of it", ErrContinue)
	}
	trimmed := strings.TrimSpace(continueTag)
	for i := len(out.Runs) - 1; i >= 0; i-- {
		r := out.Runs[i]
		if r.Source != tagSource || !strings.HasPrefix(out.Text[r.Start:r.End], trimmed) {
			continue
		}
		text := out.Text[:r.Start]
		if !strings.HasPrefix(out.Text[r.Start:], continueTag) {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		out.Text, out.Runs = text, out.Runs[:i]
		for len(out.Runs) > 0 && out.Runs[len(out.Runs)-1].End > len(text) {
			last := &out.Runs[len(out.Runs)-1]
			if last.End = len(text); last.Start < last.End {
				break
			}
			out.Runs = out.Runs[:len(out.Runs)-1]
		}
		return out, nil
	}
	return out, wrong("messages", "%w: the chat template does not show it", ErrContinue)
}
