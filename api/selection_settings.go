package api

import (
	"slices"

	"graft/adapters"
	"graft/internal/chat"
	"graft/serving"
)

// What the names of the chosen adapters say for requests that are silent. Of
// several adapters, the first that has a setting decides, in the order of the
// request; stop strings add up; two different chat templates are refused, since
// one of the adapters would read a conversation that it was not trained on.

// apply sets adapters and defaults on r, before the rest of the body is read:
// what the client writes replaces them.
func (sel *selection) apply(r *serving.Request) {
	r.Model = sel.base
	p := &r.Sampling
	for _, u := range slices.Backward(sel.used) { // the first is set last
		s := u.Settings
		set(&p.Temperature, s.Temperature)
		set(&p.TopP, s.TopP)
		set(&p.TopK, s.TopK)
		set(&p.MinP, s.MinP)
		set(&p.RepetitionPenalty, s.RepetitionPenalty)
		if s.MaxTokens > 0 {
			r.MaxTokens = s.MaxTokens
		}
	}
	for _, u := range sel.used {
		r.Adapters = append(r.Adapters, serving.AdapterUse{Generation: u.Generation, Weight: u.weight})
	}
}

func set[T any](dst *T, value *T) {
	if value != nil {
		*dst = *value
	}
}

// stops are the stop strings of all adapters.
func (sel *selection) stops() (list []string) {
	for _, u := range sel.used {
		for _, stop := range u.Settings.Stop {
			if stop != "" && !slices.Contains(list, stop) {
				list = append(list, stop)
			}
		}
	}
	return list
}

// template sets the chat template.
func (sel *selection) template(r *serving.Request) error {
	from := ""
	for _, u := range sel.used {
		switch t := u.Settings.Template; {
		case t == "" || t == r.Template:
		case r.Template == "":
			r.Template, from = t, u.title()
		default:
			return invalid("adapters", "adapter_template_conflict", "The adapters '%s' and '%s' have different chat templates, so they cannot answer together; give them the same one, or choose one of them.", from, u.title())
		}
	}
	return nil
}

// useTemplate is template for a model that is described.
func (sel *selection) useTemplate(m *serving.Model) error {
	var r serving.Request
	if err := sel.template(&r); err != nil || r.Template == "" {
		return err
	}
	m.Template, m.Chat = r.Template, true
	return nil
}

// system is the adapters' system prompt, for conversations without one.
func (sel *selection) system() string {
	for _, u := range sel.used {
		if u.Settings.System != "" {
			return u.Settings.System
		}
	}
	return ""
}

// withSystem puts the adapters' system prompt before a conversation that has no
// system or developer message of its own.
func (sel *selection) withSystem(messages []chat.Message) []chat.Message {
	text := sel.system()
	if text == "" || len(messages) == 0 || slices.ContainsFunc(messages, isSystem) {
		return messages
	}
	return slices.Concat([]chat.Message{chat.Text("system", text)}, messages)
}

func isSystem(m chat.Message) bool { return m.Role == "system" || m.Role == "developer" }

// title is what errors call an adapter.
func (u used) title() string {
	if u.Name == "" {
		return u.Generation
	}
	return u.Name
}

var _ adapterRegistry = (*adapters.Registry)(nil)
