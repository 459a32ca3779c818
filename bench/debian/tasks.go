package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// task makes a chat of a package.
type task struct {
	system string
	ask    func(Package) string
	answer func(Package) string
}

var tasks = map[string]task{
	"sections": {
		system: "Which section does this software package belong to? Answer with one word of this list: " + strings.Join(sections, ", ") + ".",
		ask:    func(p Package) string { return p.Synopsis + "\n" + p.Body },
		answer: func(p Package) string { return p.Section },
	},
	"synopsis": {
		system: "Summarise the description of a software package in one line of at most 60 characters, without its name and without a full stop.",
		ask:    func(p Package) string { return p.Body },
		answer: func(p Package) string { return p.Synopsis },
	},
}

// message is one of a chat.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// file is the JSONL of packages.
func (t task) file(packages []Package, words int) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for _, p := range packages {
		row := map[string][]message{"messages": {{"system", t.system}, {"user", cut(t.ask(p), words)}, {"assistant", t.answer(p)}}}
		if err := e.Encode(row); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
