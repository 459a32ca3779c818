package chat

import "strings"

// llama: the whole answer is an object with "parameters", or several with
// semicolons between them; <|python_tag|> may come first. Llama 3.1 to 3.3.
var llama = &Dialect{
	Name:   "llama3",
	syntax: syntax{opens: []string{"<|python_tag|>"}, bare: true},
	form:   form{begin: `{"name": "NAME", "parameters": `, end: "}", separator: "; "},
	newID:  callID,
	match: func(template string) bool {
		return strings.Contains(template, "<|python_tag|>") ||
			strings.Contains(template, "<|start_header_id|>") && strings.Contains(template, `"parameters"`)
	},
}

// generic is for templates that show tools in a way not known here: an answer
// that is an object with the name of a tool is a call.
var generic = &Dialect{
	Name:   "json",
	syntax: syntax{bare: true},
	form:   form{begin: `{"name": "NAME", "arguments": `, end: "}", separator: "\n"},
	newID:  callID,
}

// functionary: <function=name>{…}</function>. Functionary 3.1 and Llama's
// custom tool format.
var functionary = &Dialect{
	Name:   "functionary",
	syntax: syntax{opens: []string{"<function="}, separator: ">", close: "</function>"},
	form:   form{begin: "<function=NAME>", end: "</function>"},
	newID:  callID,
	match:  func(template string) bool { return strings.Contains(template, "<function=") },
}
