package lint

import "strings"

// around is punctuation that stands around words and says nothing by itself.
const around = ".,;:!?…\"'`()[]«»“”„‘’¿¡。，！？、"

// said is a text by which two that say the same are equal: without case, white space and
// what stands around words. Unlike dataset.Normalised it keeps all that tells 2+2 from
// 2-2, or C from C++.
func said(s string) string {
	words := strings.Fields(strings.ToLower(s))
	kept := words[:0]
	for _, w := range words {
		if w = strings.Trim(w, around); w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
