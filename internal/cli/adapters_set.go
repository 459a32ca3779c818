package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"graft/adapters"
)

func (e *env) setAdapter(f *adapterFlags) *cobra.Command {
	var notes, expect string
	c := &cobra.Command{
		Use:   "set NAME [SETTING=VALUE...]",
		Short: "Change what requests get that choose an adapter",
		Long: `Change what requests get that choose an adapter, where they say nothing themselves,
and who may choose it. Texts may come from a file, as @FILE; lists are separated by
commas; nothing behind the = takes a setting away. Settings:
  ` + strings.Join(settingNames(), ", "),
		Example: `  graft adapters set support system="You are a support agent." temperature=0.2
  graft adapters set support chat_template=@template.jinja stop="<end>,###"
  graft adapters set support keys=laptop,ci requests_per_minute=60
  graft adapters set support temperature= --notes "trained on March's tickets"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]any{}
			settings, err := readSettings(args[1:])
			if err != nil {
				return err
			}
			if len(settings) > 0 {
				body["settings"] = settings
			}
			if c.Flags().Changed("notes") {
				body["notes"] = notes
			}
			if len(body) == 0 {
				return fmt.Errorf("nothing to change: give SETTING=VALUE or --notes; see `graft adapters set --help`")
			}
			if expect != "" {
				body["expected_generation"] = expect
			}
			var a adapterInfo
			if err := e.ask(c.Context(), f, http.MethodPatch, adapterPath(args[0], ""), body, &a); err != nil {
				return err
			}
			if f.json {
				return e.printJSON(a)
			}
			for _, line := range settingLines(a.Settings) {
				fmt.Fprintln(e.out, line)
			}
			return nil
		},
	}
	c.Flags().StringVar(&notes, "notes", "", "what people should know of it")
	c.Flags().StringVar(&expect, "expect", "", expectUsage)
	return c
}

// settingNames are those of adapters.Settings, as JSON calls them.
func settingNames() []string {
	var names []string
	t := reflect.TypeFor[adapters.Settings]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// settingField is the field of a setting.
func settingField(name string) (reflect.StructField, bool) {
	t := reflect.TypeFor[adapters.Settings]()
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == name {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// settingOf is a setting as JSON; "" when it is not set.
func settingOf(s *adapters.Settings, name string) string {
	field, ok := settingField(name)
	if !ok {
		return ""
	}
	v := reflect.ValueOf(s).Elem().FieldByIndex(field.Index)
	if v.IsZero() {
		return ""
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return ""
	}
	return string(text)
}

// readSettings turns SETTING=VALUE into what servers take; null takes away.
func readSettings(list []string) (map[string]any, error) {
	out := map[string]any{}
	for _, s := range list {
		name, text, ok := strings.Cut(s, "=")
		field, known := settingField(name)
		if !ok || !known {
			return nil, fmt.Errorf("%q: want SETTING=VALUE, with one of %s", s, strings.Join(settingNames(), ", "))
		}
		v, err := readSetting(field.Type, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

func readSetting(t reflect.Type, text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Int:
		return strconv.Atoi(text)
	case reflect.Float32:
		return strconv.ParseFloat(text, 64)
	case reflect.Bool:
		return strconv.ParseBool(text)
	case reflect.Slice:
		return strings.Split(text, ","), nil
	}
	if path, ok := strings.CutPrefix(text, "@"); ok {
		data, err := os.ReadFile(path)
		return string(data), err
	}
	return text, nil
}
