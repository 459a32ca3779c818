package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/internal/chat"
	"graft/internal/store"
)

// Bounds of the files of rows, in bytes.
const (
	maxEvalFile = 64 << 20
	maxEvalLine = 1 << 20
)

// runRequest is a request for a run: what it says, and where its rows are.
type runRequest struct {
	evals.RunSpec
	rows []evals.Row
	file string // id of a file with the rows; "": they are in the request
}

func (r *runRequest) bind(o *object) {
	o.string("name", &r.Name)
	if v, ok := o.value("metadata"); ok {
		r.Metadata = metadataOf(v)
	}
	o.require("data_source")
	if v, ok := o.value("data_source"); ok {
		r.Source = v.raw
		v.object(r.bindSource)
	}
}

func (r *runRequest) bindSource(o *object) {
	o.require("type")
	o.enum("type", &r.Kind, evals.JSONL, evals.Completions, evals.Responses)
	o.require("source")
	o.object("source", r.bindRows)
	if r.Kind == evals.JSONL {
		return
	}
	o.require("model")
	if o.string("model", &r.Model) && r.Model == "" {
		path := join(o.path, "model")
		o.d.fail(invalid(path, "invalid_value", "Invalid '%s': the name is empty.", path))
	}
	o.require("input_messages")
	o.object("input_messages", func(o *object) {
		var kind string
		o.require("type")
		o.enum("type", &kind, "template", "item_reference")
		if kind == "item_reference" {
			o.require("item_reference")
			o.string("item_reference", &r.Reference)
			return
		}
		o.require("template")
		if v, ok := o.value("template"); ok {
			r.Template = evalMessages(v)
		}
	})
	o.object("sampling_params", func(o *object) {
		samplingParams(o, &r.Sampling)
		if r.Kind == evals.Completions {
			if v, ok := o.value("response_format"); ok {
				r.Format = responseFormat(v)
			}
			if v, ok := o.value("tools"); ok {
				r.Tools = tools(v)
			}
			return
		}
		o.object("text", func(o *object) {
			o.refuse("verbosity", "ask for it in the prompt", `"medium"`)
			o.object("format", func(o *object) {
				formatType(o, &r.Format)
				if r.Format.Type == "json_schema" {
					formatSchema(o, &r.Format)
				}
			})
		})
		if v, ok := o.value("tools"); ok {
			r.Tools = flatTools(v)
		}
	})
}

// flatTools reads functions in the flat form of the responses API, and gives
// templates the nested one.
func flatTools(v value) (list []chat.Tool) {
	names := map[string]bool{}
	v.items(maxTools, func(_ int, item value) {
		tool := chat.Tool{Strict: true}
		item.object(func(o *object) {
			functionType(o)
			function(o, &tool)
		})
		tool.Raw = nestedTool(tool)
		list = append(list, uniqueTool(item, names, tool))
	})
	return list
}

func (r *runRequest) bindRows(o *object) {
	var kind string
	o.require("type")
	o.enum("type", &kind, "file_content", "file_id", "stored_completions", "responses")
	switch kind {
	case "file_content":
		o.require("content")
		if v, ok := o.value("content"); ok {
			v.items(evals.MaxRows, func(_ int, item value) { item.object(func(o *object) { r.rows = append(r.rows, bindRow(o)) }) })
		}
	case "file_id":
		o.require("id")
		o.string("id", &r.file)
		if r.file == "" {
			path := join(o.path, "id")
			o.d.fail(invalid(path, "invalid_value", "Invalid '%s': it is empty.", path))
		}
	default:
		path := join(o.path, "type")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%s'. graft keeps no logs of what was asked: send the rows as file_content, or as a file with file_id.", path, kind))
	}
}

// bindRow reads {"item", "sample"}, both kept as they are.
func bindRow(o *object) (r evals.Row) {
	keep := func(name string, dst *json.RawMessage) {
		if v, ok := o.value(name); ok {
			*dst = schema(v) // any object
		}
	}
	o.require("item")
	keep("item", &r.Item)
	keep("sample", &r.Sample)
	return r
}

// readRows reads rows of a file: one JSON object a line, empty lines between them.
func readRows(in io.Reader, strict bool) (rows []evals.Row, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxEvalLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if len(rows) == evals.MaxRows {
			return nil, fmt.Errorf("line %d: a run takes at most %d rows", n, evals.MaxRows)
		}
		var r evals.Row
		_, err := decode(bytes.Clone(line), strict, func(o *object) { r = bindRow(o) })
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		rows = append(rows, r)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: it has more than %d bytes", n+1, maxEvalLine)
	}
	return rows, lines.Err()
}

// fileRows are the rows of a file that the client may see.
func (h evalsHandler) fileRows(c *gin.Context, id string) ([]evals.Row, error) {
	const path = "data_source.source.id"
	f, err := h.file(c, id, path)
	var known *Error
	if errors.As(err, &known) {
		return nil, invalid(path, "file_not_found", "Invalid '%s': there is no file '%.100s'. Upload it to /v1/files first, with the purpose evals.", path, id)
	}
	if err != nil {
		return nil, err
	}
	if f.Bytes > maxEvalFile {
		return nil, invalid(path, "invalid_value", "Invalid '%s': the file has %d bytes, more than %d.", path, f.Bytes, maxEvalFile)
	}
	in, err := h.Files.OpenFile(f)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		return nil, invalid(path, "file_not_found", "Invalid '%s': there is no file '%.100s'.", path, id)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	rows, err := readRows(in, h.Options.Strict)
	if err != nil {
		return nil, invalid(path, "invalid_file", "Invalid '%s': %s Each line is an object such as {\"item\": {…}} or {\"item\": {…}, \"sample\": {…}}.", path, sentence(err.Error()))
	}
	return rows, nil
}
