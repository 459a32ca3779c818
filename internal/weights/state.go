package weights

import (
	"strings"
	"time"
)

// State tells whether files have changed, without reading them.
type State struct {
	// Text is the same as long as the files are; "" where the system does not tell.
	Text    string
	Changed time.Time // the last change of any of them
}

// StateOf is the state of several files together.
func StateOf(paths []string) (State, error) {
	var all State
	var texts []string
	for _, p := range paths {
		s, err := stateOf(p)
		if err != nil || s.Text == "" {
			return State{}, err
		}
		texts = append(texts, s.Text)
		if s.Changed.After(all.Changed) {
			all.Changed = s.Changed
		}
	}
	all.Text = strings.Join(texts, "; ")
	return all, nil
}

// coarse is more than the steps in which any file system counts time: a file that
// was changed within it may change once more and look the same.
const coarse = 3 * time.Second

// Settled tells whether a change from now on would show in the state.
func (s State) Settled(now time.Time) bool {
	return s.Text != "" && now.Sub(s.Changed) > coarse
}
