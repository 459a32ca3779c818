package forgetting

import (
	"encoding/json"
	"strings"
	"unicode"
)

// instruction is a request with a program that tells whether it was followed.
type instruction struct {
	id, ask  string
	followed func(answer string) bool
}

func words(s string) []string { return strings.Fields(s) }

func lines(s string) (list []string) {
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

// says tells whether the answer is one of the words, whatever case and full stop.
func says(of ...string) func(string) bool {
	return func(s string) bool {
		s = strings.ToLower(strings.Trim(strings.TrimSpace(s), ".!\"'"))
		for _, w := range of {
			if s == w {
				return true
			}
		}
		return false
	}
}

func contains(of ...string) func(string) bool {
	return func(s string) bool {
		s = strings.ToLower(s)
		for _, w := range of {
			if !strings.Contains(s, w) {
				return false
			}
		}
		return true
	}
}

func and(fs ...func(string) bool) func(string) bool {
	return func(s string) bool {
		for _, f := range fs {
			if !f(s) {
				return false
			}
		}
		return strings.TrimSpace(s) != ""
	}
}

func upper(s string) bool {
	return s == strings.ToUpper(s) && strings.IndexFunc(s, unicode.IsLetter) >= 0
}

func lower(s string) bool {
	return s == strings.ToLower(s) && strings.IndexFunc(s, unicode.IsLetter) >= 0
}

func wordsAtMost(n int) func(string) bool {
	return func(s string) bool { return len(words(s)) > 0 && len(words(s)) <= n }
}

func linesOf(n int) func(string) bool { return func(s string) bool { return len(lines(s)) == n } }

func without(of string) func(string) bool {
	return func(s string) bool { return !strings.Contains(strings.ToLower(s), of) }
}

func digits(s string) bool {
	s = strings.Trim(strings.TrimSpace(s), ".")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func object(keys ...string) func(string) bool {
	return func(s string) bool {
		s = strings.TrimSpace(s)
		s = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "```json"), "```"), "```"))
		var m map[string]any
		if json.Unmarshal([]byte(s), &m) != nil {
			return false
		}
		for _, k := range keys {
			if _, ok := m[k]; !ok {
				return false
			}
		}
		return true
	}
}

// instructions are asked as a chat and answered greedily.
var instructions = []instruction{
	{"i01", "Reply with the single word OK and nothing else.", says("ok")},
	{"i02", "Answer with one word only: what is the capital of Italy?", says("rome")},
	{"i03", "Answer yes or no: is ice cold?", says("yes")},
	{"i04", "Answer yes or no: can a stone swim?", says("no")},
	{"i05", "Write the word house in capital letters.", func(s string) bool { return strings.Contains(s, "HOUSE") }},
	{"i06", "Write one short sentence about the sea in capital letters only.", upper},
	{"i07", "Write one short sentence about bread in small letters only, without capitals.", lower},
	{"i08", "Name three colours, one on each line, and nothing else.", linesOf(3)},
	{"i09", "Name two animals, separated by a comma, and nothing else.", and(contains(","), wordsAtMost(6))},
	{"i10", "In at most ten words, say what a hammer is for.", wordsAtMost(10)},
	{"i11", "Reply with a number in digits only: how many days are in a week?", and(digits, contains("7"))},
	{"i12", "Reply with a number in digits only: how many legs does a cat have?", and(digits, contains("4"))},
	{"i13", `Reply with a JSON object that has the keys "name" and "age".`, object("name", "age")},
	{"i14", `Reply with a JSON object that has the key "city".`, object("city")},
	{"i15", "Repeat exactly this sentence: The cat sat on the mat.", contains("the cat sat on the mat")},
	{"i16", "Write a sentence that contains the words river and bridge.", contains("river", "bridge")},
	{"i17", "Write a sentence about summer that ends with an exclamation mark.", func(s string) bool { return strings.HasSuffix(strings.TrimSpace(s), "!") }},
	{"i18", "Write a question about the weather.", func(s string) bool { return strings.HasSuffix(strings.TrimSpace(s), "?") }},
	{"i19", "Translate the word hello into French. Answer with the translation only.", says("bonjour", "salut")},
	{"i20", "Say what rain is without using the word water.", and(without("water"), contains("rain"))},
	{"i21", "List four fruits as a list in which each line begins with a hyphen.", func(s string) bool {
		n := 0
		for _, l := range lines(s) {
			if strings.HasPrefix(l, "-") {
				n++
			}
		}
		return n == 4
	}},
	{"i22", "Begin your answer with the word Certainly: what is a book?", func(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "Certainly") }},
	{"i23", "Finish the sentence with one word: The grass is", wordsAtMost(6)},
	{"i24", "Write the numbers from one to five in digits, separated by spaces.", contains("1 2 3 4 5")},
}
