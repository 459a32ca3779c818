package report

import (
	"sort"
	"strconv"
	"strings"
)

// DetailsText writes the numbers beside a metric's value in one line, by name; "": there
// are none.
func DetailsText(details map[string]float64) string {
	var parts []string
	var names []string
	for name := range details {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		v := details[name]
		if !finite(v) {
			continue
		}
		text := strconv.FormatFloat(v, 'f', 3, 64)
		if v == float64(int64(v)) {
			text = strconv.FormatInt(int64(v), 10)
		}
		parts = append(parts, strings.ReplaceAll(name, "_", " ")+" "+text)
	}
	return strings.Join(parts, ", ")
}
