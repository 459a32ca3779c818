package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// probe is a prompt that models are compared on. Answer is a plausible one, for
// comparisons of next tokens only.
type probe struct {
	Prompt   string
	Answer   string
	Messages []json.RawMessage
}

// probes ask for a bit of everything: facts, form, arithmetic, code, style, refusal.
var probes = []probe{
	{Prompt: "Which river flows through Vienna, and into which sea does it run?", Answer: "The Danube flows through Vienna and runs into the Black Sea."},
	{Prompt: "List four things to check before lending someone a bicycle, one a line.", Answer: "1. The brakes\n2. The air in the tyres\n3. The lights\n4. The height of the saddle"},
	{Prompt: "A baker sells 14 rolls at 35 cents each. How much does she earn?", Answer: "14 times 35 cents is 490 cents, so she earns 4 euros and 90 cents."},
	{Prompt: "Write a Python function that returns the second largest number of a list.", Answer: "def second_largest(numbers):\n    return sorted(set(numbers))[-2]"},
	{Prompt: "Rewrite politely: Your parcel is late and we do not know why.", Answer: "We are sorry that your parcel has not arrived yet. We are looking into the reason and will let you know as soon as we can."},
	{Prompt: "Answer with JSON only: the name and the year of birth of Marie Curie.", Answer: "{\"name\": \"Marie Curie\", \"born\": 1867}"},
	{Prompt: "Übersetze ins Englische: Der Zug fährt heute zehn Minuten später ab.", Answer: "The train leaves ten minutes later today."},
	{Prompt: "My order 4711 has not come. What do you need to know to help me?", Answer: "Please tell me the date of your order, the address it was to be sent to, and the name on the account."},
}

// text is what people see of a probe.
func (p probe) text() string {
	if p.Prompt != "" || len(p.Messages) == 0 {
		return p.Prompt
	}
	var last struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(p.Messages[len(p.Messages)-1], &last) != nil || last.Content == "" {
		return string(p.Messages[len(p.Messages)-1])
	}
	return last.Content
}

// messages is the conversation that a probe is.
func (p probe) messages() any {
	if p.Prompt != "" {
		return []turn{{"user", p.Prompt}}
	}
	return p.Messages
}

// maxProbes bounds how many prompts one comparison takes.
const maxProbes = 1000

// readProbes reads a file of {"prompt": …} and {"messages": […]}, one a line.
func readProbes(path string) ([]probe, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []probe
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var p struct {
			Prompt   string            `json:"prompt"`
			Messages []json.RawMessage `json:"messages"`
		}
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		if (p.Prompt == "") == (len(p.Messages) == 0) {
			return nil, fmt.Errorf("%s: line %d: want either \"prompt\" or \"messages\"", path, n)
		}
		if len(list) == maxProbes {
			return nil, fmt.Errorf("%s: more than %d prompts", path, maxProbes)
		}
		list = append(list, probe{Prompt: p.Prompt, Messages: p.Messages})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: it holds no prompt", path)
	}
	return list, nil
}
