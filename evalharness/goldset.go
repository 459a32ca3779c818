package evalharness

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"graft/internal/chat"
	"graft/training/dataset"
)

// maxGoldBytes bounds a file of cases.
const maxGoldBytes = 64 << 20

// goldLine is a case as it stands in a file. What is right is in references, reference,
// or the last message, if that is the assistant's; of completions it is the completion.
type goldLine struct {
	ID         string        `json:"id"`
	Messages   []goldMessage `json:"messages"`
	Prompt     string        `json:"prompt"`
	Completion *string       `json:"completion"`
	Reference  *string       `json:"reference"`
	References []string      `json:"references"`
	Tags       []string      `json:"tags"`
	Cluster    string        `json:"cluster"`
}

type goldMessage struct {
	Role    string  `json:"role"`
	Content *string `json:"content"`
	Weight  *int    `json:"weight"` // of training rows: it means nothing here
}

// ReadGold reads a set of cases.
func ReadGold(path string) (*Gold, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGoldBytes+1))
	if err == nil && len(data) > maxGoldBytes {
		err = fmt.Errorf("the file has more than %d MiB", maxGoldBytes>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g, err := ParseGold(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g.File = path
	return g, nil
}

// maxGoldErrors is how many lines are named before reading stops.
const maxGoldErrors = 20

// ParseGold reads cases, one JSON object a line. Keys that it does not know are errors.
func ParseGold(data []byte) (*Gold, error) {
	sum := sha256.Sum256(data)
	g := &Gold{Hash: hex.EncodeToString(sum[:])}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	lines.Buffer(nil, dataset.MaxLine)
	ids := map[string]int{}
	var errs []error
	n := 0
	for lines.Scan() && len(errs) < maxGoldErrors {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		c, err := parseCase(lines.Bytes(), n)
		if err == nil && ids[c.ID] > 0 {
			err = fmt.Errorf("id %q is that of line %d too", c.ID, ids[c.ID])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		ids[c.ID] = n
		g.Cases = append(g.Cases, c)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("line %d: %w", n+1, err))
	}
	if len(errs) == 0 && len(g.Cases) == 0 {
		errs = append(errs, errors.New("there is no case"))
	}
	return g, errors.Join(errs...)
}

func parseCase(text []byte, n int) (Case, error) {
	var l goldLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Case{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Case{}, errors.New("there is something behind the object")
	}
	c := Case{ID: l.ID, Line: n, Tags: l.Tags, Cluster: l.Cluster, References: l.References}
	if c.ID == "" {
		c.ID = fmt.Sprintf("line-%d", n)
	}
	if l.Reference != nil {
		c.References = append([]string{*l.Reference}, c.References...)
	}
	for i, m := range l.Messages {
		if m.Content == nil || m.Role == "" {
			return Case{}, fmt.Errorf("messages[%d]: want a role, and content as a string", i)
		}
		c.Messages = append(c.Messages, Message{m.Role, *m.Content})
	}
	switch {
	case l.Prompt != "" && len(l.Messages) > 0:
		return Case{}, errors.New("want messages or a prompt, not both")
	case l.Prompt != "":
		c.Messages, c.Raw = []Message{{"user", l.Prompt}}, true
		if l.Completion != nil && c.References == nil {
			c.References = []string{*l.Completion}
		}
	case len(c.Messages) > 0 && c.Messages[len(c.Messages)-1].Role == "assistant":
		last := c.Messages[len(c.Messages)-1]
		c.Messages = c.Messages[:len(c.Messages)-1]
		if c.References == nil {
			c.References = []string{last.Content}
		}
	}
	if len(c.Messages) == 0 || c.Messages[len(c.Messages)-1].Role != "user" {
		return Case{}, errors.New("want messages that end with the user's question, or with the assistant's answer behind it")
	}
	if len(c.References) == 0 {
		return Case{}, errors.New("want references: what would be a right answer")
	}
	return c.sealed(), nil
}

// sealed has the hash of the references, and these without white space around them.
func (c Case) sealed() Case {
	refs := make([]string, len(c.References))
	for i, r := range c.References {
		refs[i] = strings.TrimSpace(r)
	}
	c.References = refs
	c.RefHash = hashOf(refs)
	return c
}

// hashOf is the SHA-256 of a value's JSON, hex.
func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // no value here has maps with odd keys, channels or functions
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// row is a case as a row of data, for comparisons with others.
func (c *Case) row() dataset.Row {
	r := dataset.Row{Line: c.Line, Kind: dataset.Chat}
	for _, m := range c.Messages {
		r.Messages = append(r.Messages, chat.Text(m.Role, m.Content))
	}
	answer := ""
	if len(c.References) > 0 {
		answer = c.References[0]
	}
	r.Messages = append(r.Messages, chat.Text("assistant", answer))
	return r
}

// caseOf makes a case of a row of data. ok is false for rows that have no answer of
// plain text.
func caseOf(r *dataset.Row) (c Case, ok bool) {
	c = Case{ID: fmt.Sprintf("row-%d", r.Line), Line: r.Line}
	list, answer := r.Messages, r.Answer()
	switch r.Kind {
	case dataset.Completion:
		c.Messages, c.Raw = []Message{{"user", r.Prompt}}, true
	case dataset.Chat:
		if len(list) == 0 || list[len(list)-1].Role != "assistant" || len(list[len(list)-1].ToolCalls) > 0 {
			return c, false
		}
		list = list[:len(list)-1]
	}
	for _, m := range list {
		c.Messages = append(c.Messages, Message{m.Role, dataset.Text(m)})
	}
	if len(c.Messages) == 0 || c.Messages[len(c.Messages)-1].Role != "user" {
		return c, false
	}
	c.References = []string{answer}
	return c.sealed(), true
}

// ReadRows reads a file of training rows.
func ReadRows(path string) ([]dataset.Row, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	sum := sha256.New()
	rows, err := ParseRows(io.TeeReader(f, sum), path)
	return rows, hex.EncodeToString(sum.Sum(nil)), err
}

// ParseRows reads training rows; name is for messages.
func ParseRows(in io.Reader, name string) ([]dataset.Row, error) {
	var rows []dataset.Row
	p := dataset.Problems{File: name}
	if err := dataset.Read(in, &p, func(r dataset.Row) error {
		rows = append(rows, r)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows, p.Err()
}
