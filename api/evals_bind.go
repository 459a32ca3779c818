package api

import (
	"encoding/json"
	"errors"

	"graft/evalharness/evals"
	"graft/evalharness/graders"
)

// afterError names the parameter where a page comes after what is not there.
func afterError(err, missing error, after string) error {
	if after != "" && errors.Is(err, missing) {
		return invalid("after", "invalid_value", "Invalid 'after': there is no '%.100s' here.", after)
	}
	return err
}

// bindEval reads the body of POST /v1/evals, which may also be an eval as GET
// returns it.
func bindEval(o *object, spec *evals.Spec) {
	o.accept("id", "object", "created_at")
	o.string("name", &spec.Name)
	if v, ok := o.value("metadata"); ok {
		spec.Metadata = metadataOf(v)
	}
	o.require("data_source_config")
	o.object("data_source_config", func(o *object) { bindConfig(o, &spec.Config) })
	o.require("testing_criteria")
	if v, ok := o.value("testing_criteria"); ok {
		v.items(evals.MaxCriteria, func(_ int, item value) {
			item.object(func(o *object) {
				o.accept("id")
				spec.Criteria = append(spec.Criteria, bindGrader(o, true))
			})
		})
	}
}

func bindConfig(o *object, c *evals.Config) {
	o.require("type")
	o.enum("type", &c.Type, "custom", "logs", "stored_completions")
	if c.Type != "custom" {
		if v, ok := o.value("metadata"); ok {
			v.object(func(o *object) {
				for _, m := range o.members {
					o.accept(m.key)
				}
			})
			c.Metadata = v.raw
		}
		o.accept("schema") // of an exported one
		return
	}
	if v, ok := o.value("schema"); ok { // as GET returns it
		v.object(func(o *object) {
			o.accept("type", "required", "additionalProperties")
			o.object("properties", func(o *object) {
				o.require("item")
				if v, ok := o.value("item"); ok {
					c.Schema = schema(v)
				}
				_, c.Sample = o.value("sample")
			})
			o.require("properties")
		})
		return
	}
	o.require("item_schema")
	if v, ok := o.value("item_schema"); ok {
		c.Schema = schema(v)
	}
	o.bool("include_sample_schema", &c.Sample)
}

// bindGrader reads a grader. In an eval it may have a threshold.
func bindGrader(o *object, inEval bool) *graders.Spec {
	g := &graders.Spec{Raw: json.RawMessage(o.raw)}
	o.require("type")
	o.enum("type", &g.Type, graders.StringCheck, graders.TextSimilarity, graders.ScoreModel, graders.LabelModel, graders.Multi, graders.Python)
	if g.Type == graders.Python {
		path := join(o.path, "type")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value: '%s' does not support 'python': graft runs no code of clients. Use string_check, text_similarity, score_model or label_model.", path))
	}
	o.require("name")
	o.string("name", &g.Name)
	switch g.Type {
	case graders.StringCheck:
		bindTexts(o, g)
		o.require("operation")
		o.enum("operation", &g.Operation, graders.Operations...)
	case graders.TextSimilarity:
		bindTexts(o, g)
		o.require("evaluation_metric")
		o.enum("evaluation_metric", &g.Metric, graders.Metrics...)
	case graders.Multi:
		bindMulti(o, g)
	default:
		bindJudge(o, g)
	}
	if g.Type == graders.TextSimilarity || g.Type == graders.ScoreModel {
		optional(o, "pass_threshold", &g.Pass, func(v value) float64 { return v.number(-1e300, 1e300) })
	}
	if inEval && g.Type == graders.TextSimilarity {
		o.require("pass_threshold")
	}
	return g
}

func bindTexts(o *object, g *graders.Spec) {
	o.require("input")
	o.string("input", &g.Text)
	o.require("reference")
	o.string("reference", &g.Reference)
}

func bindJudge(o *object, g *graders.Spec) {
	o.require("model")
	o.string("model", &g.Model)
	o.require("input")
	if v, ok := o.value("input"); ok {
		g.Messages = evalMessages(v)
	}
	o.object("sampling_params", func(o *object) {
		g.Sampling = &graders.Sampling{}
		samplingParams(o, g.Sampling)
	})
	if g.Type == graders.LabelModel {
		for _, list := range []struct {
			name string
			dst  *[]string
		}{{"labels", &g.Labels}, {"passing_labels", &g.Passing}} {
			o.require(list.name)
			if v, ok := o.value(list.name); ok {
				v.items(graders.MaxLabels, func(_ int, item value) { *list.dst = append(*list.dst, item.string()) })
			}
		}
		return
	}
	if v, ok := o.value("range"); ok {
		v.items(2, func(_ int, item value) { g.Range = append(g.Range, item.number(-1e9, 1e9)) })
		if len(g.Range) != 2 {
			o.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': it is two numbers.", v.path))
		}
	}
}

func bindMulti(o *object, g *graders.Spec) {
	o.require("calculate_output")
	o.string("calculate_output", &g.Formula)
	o.require("graders")
	v, ok := o.value("graders")
	if !ok {
		return
	}
	g.Graders = map[string]*graders.Spec{}
	v.entries(graders.MaxGraders, func(key string, item value) {
		item.object(func(o *object) { g.Graders[key] = bindGrader(o, false) })
	})
}

// evalMessages reads messages that are templates.
func evalMessages(v value) (list []graders.Message) {
	v.items(graders.MaxMessages, func(_ int, item value) {
		item.object(func(o *object) {
			var m graders.Message
			var kind string
			o.enum("type", &kind, "message")
			o.require("role")
			o.enum("role", &m.Role, "user", "assistant", "system", "developer")
			o.require("content")
			if v, ok := o.value("content"); ok {
				m.Parts = evalParts(v)
			}
			list = append(list, m)
		})
	})
	if len(list) == 0 {
		v.d.fail(invalid(v.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", v.path))
	}
	return list
}

// evalParts reads the content of a message: a string, a part, or a list of both.
func evalParts(v value) (list []string) {
	switch v.kind() {
	case "string":
		return []string{v.string()}
	case "object":
		v.object(func(o *object) { list = []string{evalPart(o)} })
	case "array":
		v.items(maxParts, func(_ int, item value) {
			if item.kind() == "array" {
				item.wrongType("a string or an object")
				return
			}
			list = append(list, evalParts(item)...)
		})
	default:
		v.wrongType("a string, a content part or an array of these")
	}
	return list
}

func evalPart(o *object) (text string) {
	var kind string
	o.require("type")
	o.string("type", &kind)
	path := join(o.path, "type")
	switch kind {
	case "input_text", "output_text", "text":
		o.require("text")
		o.string("text", &text)
	case "input_image", "input_audio", "image_url":
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%s'. graft reads text only.", path, kind))
	default:
		o.d.fail(notOneOf(path, kind, []string{"input_text", "output_text"}))
	}
	return text
}
