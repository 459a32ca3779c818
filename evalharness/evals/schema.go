package evals

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxSchema bounds the schema of an item, in bytes.
const maxSchema = 1 << 20

// nowhere loads no schema: nothing is fetched because a schema refers to it.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, errors.New("it refers to another document, and graft fetches none")
}

// compileSchema reads the JSON Schema of an item.
func compileSchema(raw json.RawMessage) (*jsonschema.Schema, error) {
	if len(raw) > maxSchema {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(raw), maxSchema)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if err := checkNumbers(doc); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("graft:item", doc); err != nil {
		return nil, err
	}
	schema, err := c.Compile("graft:item")
	if err == nil && !within(schema, new(int)) {
		err = fmt.Errorf("with each reference put out it has more than %d parts, or has no end", maxUnfolded)
	}
	return schema, err
}

// decode reads JSON with numbers as they are written.
func decode(raw []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// checkRows holds the items to the schema of the eval. The error is an
// *InvalidError that names the row.
func checkRows(config Config, rows []Row) error {
	if len(rows) == 0 || len(rows) > MaxRows {
		return invalid("data_source.source", "it has %d rows; a run takes 1 to %d", len(rows), MaxRows)
	}
	if config.Type != "custom" {
		return nil
	}
	schema, err := compileSchema(config.Schema)
	if err != nil {
		return err
	}
	for i, row := range rows {
		item, err := decode(row.Item)
		if err == nil {
			err = checkNumbers(item)
		}
		if err == nil {
			err = schema.Validate(item)
		}
		if err != nil {
			return invalid("data_source.source", "row %d does not fit the eval's item_schema: %s", i+1, firstLines(err.Error()))
		}
	}
	return nil
}

func firstLines(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}
