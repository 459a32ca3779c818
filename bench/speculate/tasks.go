package main

import (
	"fmt"
	"strings"

	"graft/bench/harness"
)

// questions of each task in a round.
const questions = 8

// task is a kind of question.
type task struct {
	name    string
	streams int // questions at once
	ask     func(n int) harness.Body
	reach   float64 // of the tokens per second without guesses
}

// What is new must not become slower; what is known should become faster.
var tasks = []task{
	{"new text", 1, newText, 0.97},
	{"new text, sampled", 1, sampled, 0.97},
	{"records by a schema", 1, record, 1.1},
	{"a text repeated", 1, repeated, 1.2},
	{"a text with a change, predicted", 1, changed, 1.2},
	{"new text, 8 streams", 8, newText, 0.97},
	{"records by a schema, 8 streams", 8, record, 0.97},
}

func ask(tokens int, format string, args ...any) harness.Body {
	return harness.Body{
		"model": "base", "temperature": 0, "max_tokens": tokens,
		"messages": []harness.Body{{"role": "user", "content": fmt.Sprintf(format, args...)}},
	}
}

// pick is the n-th of list, beginning anew after the last.
func pick(list []string, n int) string { return list[n%len(list)] }

var (
	subjects = strings.Split("a fox,the sea,old bridges,baking bread,a lost letter,winter,a clockmaker,the moon,green tea,a railway,mountain paths,an orchard,a lighthouse,rain,an empty house,bees,a market,the desert,glass", ",")
	manners  = strings.Split("Tell me a story about %s.,Explain to a child what is special about %s.,Write three sentences about %s.,Write a letter to a friend about %s.,What should one know about %s?", ",")
	names    = strings.Split("Ann,Bob,Carla,Dmitri,Elif,Farid,Grace,Hugo,Ines,Jonas,Kofi,Lena,Mara", ",")
	towns    = strings.Split("Lyon,Oslo,Porto,Graz,Turin,Leeds,Ghent,Malmo,Krakow,Bilbao,Dublin", ",")
	trades   = strings.Split("baker,welder,nurse,teacher,tailor,painter,clerk", ",")
	goods    = strings.Split("salt,timber,wool,barley,copper,wine,cheese,paper,rope,tin,oil", ",")
	boats    = strings.Split("Marigold,Heron,Patience,Albatross,Juniper,Swift,Fortune", ",")
)

func newText(n int) harness.Body {
	return ask(96, pick(manners, n), pick(subjects, n))
}

func sampled(n int) harness.Body {
	return newText(n).With(harness.Body{"temperature": 0.8, "seed": n})
}

// record asks for an object whose form is the same each time.
func record(n int) harness.Body {
	text := harness.Body{"type": "string"}
	return ask(96, "Give the record of %s, %d, a %s from %s, as JSON with the fields full_name, age_in_years, home_town, occupation and remarks.", pick(names, n), 20+n%50, pick(trades, n), pick(towns, n)).With(harness.Body{
		"response_format": harness.Body{"type": "json_schema", "json_schema": harness.Body{"name": "record", "strict": true, "schema": harness.Body{
			"type":                 "object",
			"properties":           harness.Body{"full_name": text, "age_in_years": harness.Body{"type": "integer"}, "home_town": text, "occupation": text, "remarks": text},
			"required":             []string{"full_name", "age_in_years", "home_town", "occupation", "remarks"},
			"additionalProperties": false,
		}}},
	})
}

func story(n int) string {
	return fmt.Sprintf("The harbour master of %s wrote that %d boats had left before dawn. Two of them carried %s, three carried %s, and the rest were empty. "+
		"By noon the wind had turned, and the smallest boat, the %s, was seen drifting near the breakwater. Nobody was hurt. %s, the %s, brought the crew ashore and gave them tea.",
		pick(towns, n), 6+n%90, pick(goods, n), pick(goods, n+4), pick(boats, n), pick(names, n), pick(trades, n))
}

func repeated(n int) harness.Body {
	return ask(96, "Repeat the following text exactly, word for word:\n\n%s", story(n))
}

func changed(n int) harness.Body {
	return ask(96, "Repeat the following text, but call the boat Daffodil:\n\n%s", story(n)).With(harness.Body{
		"prediction": harness.Body{"type": "content", "content": story(n)},
	})
}
