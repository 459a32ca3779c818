package forgetting

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Suite is the name and version of the items.
const Suite = "general/1"

//go:embed general.jsonl
var general []byte

// Item is a sentence to be finished by one of several choices.
type Item struct {
	ID       string   `json:"id"`
	Subject  string   `json:"subject"`
	Question string   `json:"question"`
	Choices  []string `json:"choices"`
	Answer   int      `json:"answer"` // index of the right choice
}

// Items are those that are scored: general knowledge, then arithmetic.
func Items() []Item {
	var list []Item
	for line := range bytes.Lines(general) {
		var it Item
		if err := json.Unmarshal(line, &it); err != nil {
			panic("forgetting: general.jsonl: " + err.Error()) // it is part of the program
		}
		list = append(list, it)
	}
	return append(list, arithmetic()...)
}

// JSONL is the whole suite, one item a line, for other programs.
func JSONL() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, it := range Items() {
		_ = e.Encode(it) // strings and numbers
	}
	return b.Bytes()
}

// arithmeticItems is how many sums there are of each kind.
const arithmeticItems = 16

// arithmetic makes sums with small numbers, the same ones each time.
func arithmetic() (list []Item) {
	r := rand.New(rand.NewPCG(1, 0x67656e6572616c)) // part of the version
	kinds := []struct {
		question string
		draw     func() (a, b, result int)
	}{
		{"%d plus %d is", func() (int, int, int) { a, b := 1+r.IntN(20), 1+r.IntN(20); return a, b, a + b }},
		{"%d minus %d is", func() (int, int, int) { b := 1 + r.IntN(15); c := 1 + r.IntN(15); return b + c, b, c }},
		{"%d times %d is", func() (int, int, int) { a, b := 2+r.IntN(9), 2+r.IntN(9); return a, b, a * b }},
		{"The number after %d is one more than it; the number %d more than that is", func() (int, int, int) { a, b := 1+r.IntN(50), 1+r.IntN(5); return a, b, a + 1 + b }},
	}
	for i := range arithmeticItems * len(kinds) {
		k := kinds[i%len(kinds)]
		a, b, result := k.draw()
		it := Item{ID: fmt.Sprintf("a%03d", i+1), Subject: "arithmetic", Question: fmt.Sprintf(k.question, a, b), Answer: r.IntN(4)}
		seen := map[int]bool{result: true}
		for len(it.Choices) < 4 {
			c := result
			if len(it.Choices) != it.Answer {
				for seen[c] {
					c = max(0, result-6+r.IntN(13))
				}
				seen[c] = true
			}
			it.Choices = append(it.Choices, strconv.Itoa(c))
		}
		list = append(list, it)
	}
	return list
}
