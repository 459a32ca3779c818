package grammar

import "fmt"

// Matcher follows one text through a Grammar. It is used by one goroutine.
type Matcher struct {
	g     *Grammar
	at    *state
	ended bool
}

// Start begins a text.
func (g *Grammar) Start() *Matcher { return &Matcher{g: g, at: g.start} }

// Mask returns the tokens that may come next, one bit per id; the slice is
// shared and must not be written to. At least one bit is set unless the
// vocabulary cannot spell what the grammar asks for, which is an error.
func (m *Matcher) Mask() ([]uint64, error) {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.g.work = 0
	mask, err := m.g.maskOf(m.at)
	if err != nil {
		return nil, err
	}
	for _, w := range mask {
		if w != 0 {
			return mask, nil
		}
	}
	return nil, fmt.Errorf("no token of the vocabulary can continue the constrained answer")
}

// Accept moves past a token that Mask allowed; any other is an error.
func (m *Matcher) Accept(id int32) error {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.g.work = 0
	if m.ended {
		return fmt.Errorf("token %d after the end of the constrained answer", id)
	}
	for _, e := range m.g.vocab.eog {
		if e == id && m.at.accepts {
			m.ended = true
			return nil
		}
	}
	next, err := m.g.stepToken(m.at, id)
	if err != nil {
		return err
	}
	if next == nil {
		if next, err = m.read(m.g.vocab.textOf(id)); err != nil {
			return err
		}
	}
	if next == nil {
		return fmt.Errorf("token %d is not allowed by the constraint", id)
	}
	m.at = next
	return nil
}

// AcceptText moves past bytes; false when they do not fit, and nothing moved.
func (m *Matcher) AcceptText(text []byte) bool {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	m.g.work = 0
	if len(text) == 0 {
		return true
	}
	next, err := m.read(text)
	if err != nil || next == nil {
		return false
	}
	m.at = next
	return true
}

func (m *Matcher) read(text []byte) (*state, error) {
	if len(text) == 0 {
		return nil, nil
	}
	at := m.at
	var err error
	for _, c := range text {
		if at, err = m.g.step(at, c); at == nil || err != nil {
			return nil, err
		}
	}
	return at, nil
}

// CanEnd tells whether the text so far is complete.
func (m *Matcher) CanEnd() bool { return m.at.accepts }

// Done tells whether the text is complete and nothing may follow it.
func (m *Matcher) Done() bool {
	return m.ended || m.at.accepts && len(m.at.configs) == 0
}
