package native

import (
	"fmt"
	"slices"
	"sync"

	"graft/internal/chat"
	"graft/internal/tokenizer"
	"graft/serving"
)

// chatFormat is how conversations become text and answers are read.
type chatFormat struct {
	template *chat.Template
	markers  map[int32]string // control tokens that mean something in answers
}

func specialTokens(t *tokenizer.Tokenizer) chat.SpecialTokens {
	return chat.SpecialTokens{BOS: t.Text(t.BOS()), EOS: t.Text(t.EOS()), Pad: t.Text(t.PAD()), Unk: t.Text(t.UNK())}
}

func newChatFormat(t *tokenizer.Tokenizer, template *chat.Template) *chatFormat {
	f := &chatFormat{template: template, markers: map[int32]string{}}
	for _, text := range template.Dialect().Markers() {
		if id, ok := t.ID(text); ok && t.IsControl(id) {
			f.markers[id] = text
		}
	}
	return f
}

// formatFor is the model's own format, or that of another template.
func (in *instance) formatFor(template string) (*chatFormat, error) {
	switch {
	case template != "":
		return in.templates.get(in.tok, template)
	case in.format != nil:
		return in.format, nil
	case in.formatErr != nil:
		return nil, fmt.Errorf("%w that can be used: %v", serving.ErrNoChatTemplate, in.formatErr)
	}
	return nil, serving.ErrNoChatTemplate
}

// templateCache keeps the latest templates that requests brought along.
type templateCache struct {
	mu    sync.Mutex
	order []string // least recently used first
	byKey map[string]*chatFormat
}

// maxTemplates bounds a templateCache.
const maxTemplates = 16

func (c *templateCache) get(tok *tokenizer.Tokenizer, source string) (*chatFormat, error) {
	if f := c.find(source); f != nil {
		return f, nil
	}
	t, err := chat.Compile(source, specialTokens(tok)) // two requests may do it at once; the later one stays
	if err != nil {
		return nil, &serving.ParamError{Param: "chat_template", Message: fmt.Sprintf("the chat template cannot be used: %v", err)}
	}
	f := newChatFormat(tok, t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey = map[string]*chatFormat{}
	}
	c.touch(source)
	c.byKey[source] = f
	if len(c.order) > maxTemplates {
		delete(c.byKey, c.order[0])
		c.order = slices.Delete(c.order, 0, 1)
	}
	return f, nil
}

func (c *templateCache) find(source string) *chatFormat {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.byKey[source]
	if f != nil {
		c.touch(source)
	}
	return f
}

func (c *templateCache) touch(source string) {
	c.order = append(slices.DeleteFunc(c.order, func(k string) bool { return k == source }), source)
}
