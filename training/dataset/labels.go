package dataset

import (
	"strings"
	"unicode/utf8"
)

// What answers have to be to be taken for labels.
const (
	labelLength = 40 // runes, at most
	labelShare  = 0.9
	labelRows   = 3 // rows of each, on average at least
)

// Labels are the answers of rows if they are taken for the labels of a classification:
// nearly all short, and few different ones. Rows without a label have "".
func Labels(list []Row) (labels []string, ok bool) {
	labels = make([]string, len(list))
	counts, short := map[string]int{}, 0
	for i := range list {
		s := strings.TrimSpace(list[i].Answer())
		if utf8.RuneCountInString(s) <= labelLength && !strings.Contains(s, "\n") {
			labels[i] = s
			counts[s]++
			short++
		}
	}
	if len(list) == 0 || float64(short) < labelShare*float64(len(list)) || len(counts) < 2 || short < labelRows*len(counts) {
		return nil, false
	}
	return labels, true
}
