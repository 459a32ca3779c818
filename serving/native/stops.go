package native

import "strings"

// stopFinder looks for stop strings in text that comes in pieces. Text that may
// be the beginning of one is held back until it is known. The stop string that is
// complete first wins, of several complete at once the longest: so the result
// does not depend on how the text is cut into pieces.
type stopFinder struct {
	stops []string
	held  string
}

// push takes the next piece and returns what can be shown. found: the text ends
// here, before a stop string.
func (f *stopFinder) push(piece string) (text string, found bool) {
	if len(f.stops) == 0 {
		return piece, false
	}
	f.held += piece
	cut, end := -1, 0
	for _, s := range f.stops {
		if i := strings.Index(f.held, s); i >= 0 && (cut < 0 || i+len(s) < end || i+len(s) == end && i < cut) {
			cut, end = i, i+len(s)
		}
	}
	if cut >= 0 {
		text, f.held = f.held[:cut], ""
		return text, true
	}
	keep := 0
	for _, s := range f.stops {
		for n := min(len(s)-1, len(f.held)); n > keep; n-- {
			if strings.HasSuffix(f.held, s[:n]) {
				keep = n
			}
		}
	}
	text, f.held = f.held[:len(f.held)-keep], f.held[len(f.held)-keep:]
	return text, false
}

// flush returns what is held back, when the text ends without a stop string.
func (f *stopFinder) flush() string {
	text := f.held
	f.held = ""
	return text
}
