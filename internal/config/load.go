package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Request is what to load.
type Request struct {
	// File is a configuration file that must exist. Empty: what GRAFT_CONFIG
	// names, or else ./config.yaml, or else graft/config.yaml in the user's
	// config folder, or else none.
	File string
	// Flags are values of the command line by key; they win.
	Flags map[string]any
	// Environ is the environment, as os.Environ gives it.
	Environ []string
}

// Load puts the configuration together and checks it.
func Load(r Request) (Config, error) {
	v := viper.New()
	for key, value := range keys() {
		v.SetDefault(key, value)
	}
	known := v.AllKeys()
	env := environment(r.Environ)
	file, err := findFile(cmp.Or(r.File, env["GRAFT_CONFIG"]))
	if err != nil {
		return Config{}, err
	}
	if file != "" {
		if err := readFile(v, file, known); err != nil {
			return Config{}, err
		}
	}
	warnings := overrideByEnv(v, env, known)
	for key, value := range r.Flags {
		if !slices.Contains(known, key) {
			return Config{}, unknownKey("--set", key, known)
		}
		v.Set(key, value)
	}

	var c Config
	err = v.UnmarshalExact(&c, viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		boolToSwitch, numberToBytes,
		mapstructure.TextUnmarshallerHookFunc(), mapstructure.StringToTimeDurationHookFunc(), splitList)))
	if err != nil {
		return Config{}, explainValues(err)
	}
	c.File, c.Warnings = file, warnings
	c.Hub.Token = env["HF_TOKEN"]
	for i := range c.Training.Webhooks {
		w := &c.Training.Webhooks[i]
		w.Secret = cmp.Or(w.Secret, env["GRAFT_WEBHOOK_SECRET"])
	}
	if c.DataDir == "" {
		if c.DataDir, err = DefaultDataDir(); err != nil {
			return Config{}, err
		}
	}
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// explainValues says of each value that does not fit which key it was for and
// what is wanted: "engine.threads: \"many\" is not a whole number".
func explainValues(err error) error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		var each []error
		for _, e := range many.Unwrap() {
			each = append(each, explainValues(e))
		}
		return errors.Join(each...)
	}
	var at *mapstructure.DecodeError
	if !errors.As(err, &at) {
		return fmt.Errorf("configuration: %w", err)
	}
	var parse *mapstructure.ParseError
	var kind *mapstructure.UnconvertibleTypeError
	switch {
	case errors.As(err, &parse):
		return fmt.Errorf("%s: %q is not %s", at.Name(), fmt.Sprint(parse.Value), wanted(parse.Expected.Kind()))
	case errors.As(err, &kind):
		return fmt.Errorf("%s: %v is not %s", at.Name(), kind.Value, wanted(kind.Expected.Kind()))
	}
	return fmt.Errorf("%s: %w", at.Name(), at.Unwrap())
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "a " + k.String()
}

// findFile returns the file to read, or "".
func findFile(named string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("configuration: %w", err)
		}
		return named, nil
	}
	candidates := []string{"config.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(dir, "graft", "config.yaml"))
	}
	for _, path := range candidates {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("configuration: %w", err)
		}
	}
	return "", nil
}

// readFile adds a file's values and refuses keys that do not exist.
func readFile(v *viper.Viper, path string, known []string) error {
	alone := viper.New()
	alone.SetConfigFile(path)
	alone.SetConfigType("yaml")
	if err := alone.ReadInConfig(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, key := range alone.AllKeys() {
		if !slices.Contains(known, key) {
			return unknownKey(path, key, known)
		}
		v.Set(key, alone.Get(key))
	}
	return nil
}

func unknownKey(where, key string, known []string) error {
	return fmt.Errorf("%s: unknown key %q%s; `graft config` prints all of them", where, key, hint(key, known))
}

// hint names the known key whose last part is the same, or which begins alike.
func hint(key string, known []string) string {
	last := key[strings.LastIndex(key, ".")+1:]
	for _, k := range known {
		if strings.HasSuffix(k, "."+last) || strings.HasPrefix(key, k+".") || len(last) > 2 && strings.HasPrefix(k[strings.LastIndex(k, ".")+1:], last[:3]) {
			return fmt.Sprintf("; did you mean %s?", k)
		}
	}
	return ""
}

const envPrefix = "GRAFT_"

// notKeys are variables of the same prefix that are no settings: those of tests, of the
// terminal chat, the override of the instruction set, and a secret.
var notKeys = []string{"GRAFT_ISA", "GRAFT_API_KEY", "GRAFT_URL", "GRAFT_CONFIG", "GRAFT_WEBHOOK_SECRET"}

// overrideByEnv sets the keys that the environment names and returns a warning
// for each variable that names none.
func overrideByEnv(v *viper.Viper, env map[string]string, known []string) []string {
	names := map[string]string{}
	for _, key := range known {
		names[envPrefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	if value := env["HF_ENDPOINT"]; value != "" {
		v.Set("hub.hf_endpoint", value)
	}
	var warnings []string
	for name, value := range env {
		key, ok := names[name]
		switch {
		case ok:
			v.Set(key, value)
		case strings.HasPrefix(name, envPrefix) && !strings.HasPrefix(name, "GRAFT_TEST_") && !strings.HasPrefix(name, "GRAFT_E2E_") && !slices.Contains(notKeys, name):
			warnings = append(warnings, fmt.Sprintf("the environment variable %s names no setting and is ignored", name))
		}
	}
	slices.Sort(warnings)
	return warnings
}

func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			env[name] = value
		}
	}
	return env
}

// keys lists all keys with their defaults.
func keys() map[string]any { return flatten(reflect.ValueOf(Default()), "") }

// flatten lists the leaves of a struct by their dotted keys.
func flatten(v reflect.Value, prefix string) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("mapstructure")
		if tag == "-" {
			continue
		}
		if f := v.Field(i); f.Kind() == reflect.Struct {
			for k, leaf := range flatten(f, prefix+tag+".") {
				out[k] = leaf
			}
		} else {
			out[prefix+tag] = f.Interface()
		}
	}
	return out
}

// boolToSwitch reads YAML's true and false as positions of a Switch.
func boolToSwitch(from, to reflect.Type, data any) (any, error) {
	if b, ok := data.(bool); ok && to == reflect.TypeFor[Switch]() {
		return fmt.Sprint(b), nil
	}
	return data, nil
}

// numberToBytes refuses negative sizes, which would pass as integers.
func numberToBytes(from, to reflect.Type, data any) (any, error) {
	if to != reflect.TypeFor[Bytes]() || from == to {
		return data, nil
	}
	return fmt.Sprint(data), nil
}

// splitList reads "a,b" where a list is wanted.
func splitList(from, to reflect.Type, data any) (any, error) {
	s, ok := data.(string)
	if !ok || to.Kind() != reflect.Slice {
		return data, nil
	}
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list, nil
}
