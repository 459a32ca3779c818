package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxConfig bounds the small files of a model folder, in bytes.
const maxConfig = 32 << 20

// FromFolder builds the tokenizer of a Hugging Face model folder: tokenizer.json,
// with what tokenizer_config.json, special_tokens_map.json, generation_config.json,
// config.json and chat_template.jinja add. Only the first must be there.
func FromFolder(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no tokenizer.json; save the tokenizer with transformers' save_pretrained, which writes one", dir)
	}
	var c folderConfig
	if err := c.read(dir); err != nil {
		return nil, err
	}
	b, err := readJSON(path)
	if err != nil {
		return nil, err
	}
	if err := b.configure(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	t, err := b.finish()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.templates = c.templates
	t.setEOG(c.ends)
	return t, nil
}

// folderConfig is what the files beside tokenizer.json say.
type folderConfig struct {
	tokens         map[string]string // bos_token, eos_token … by name; "" for null
	special        []string          // further tokens that are special
	addBOS, addEOS *bool
	ends           []int32 // ids that end a generation
	templates      map[string]string
}

// tokenText is a token in a configuration: a string or an AddedToken.
type tokenText string

func (t *tokenText) UnmarshalJSON(b []byte) error {
	var content struct {
		Content string `json:"content"`
	}
	if len(b) > 0 && b[0] == '{' {
		err := json.Unmarshal(b, &content)
		*t = tokenText(content.Content)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// roles are the tokens that configurations name.
var roles = []string{"bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"}

func (c *folderConfig) read(dir string) error {
	c.tokens, c.templates = map[string]string{}, map[string]string{}
	for _, name := range []string{"tokenizer_config.json", "special_tokens_map.json"} {
		if err := c.readTokens(dir, name); err != nil {
			return err
		}
	}
	for _, name := range []string{"generation_config.json", "config.json"} {
		if err := c.readEnds(dir, name); err != nil {
			return err
		}
	}
	return c.readTemplates(dir)
}

// readFile reads a small file of the folder; nil when it is not there.
func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", path, info.Size(), maxConfig)
	}
	return os.ReadFile(path)
}

// readTokens reads the named tokens; what an earlier file said stands.
func (c *folderConfig) readTokens(dir, name string) error {
	data, err := readFile(dir, name)
	if data == nil {
		return err
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	for _, role := range roles {
		if _, known := c.tokens[role]; known || file[role] == nil {
			continue
		}
		var text tokenText
		if err := json.Unmarshal(file[role], &text); err != nil {
			return fmt.Errorf("%s: %s: %w", filepath.Join(dir, name), role, err)
		}
		c.tokens[role] = string(text)
	}
	var more []tokenText
	if json.Unmarshal(file["additional_special_tokens"], &more) == nil {
		for _, text := range more {
			c.special = append(c.special, string(text))
		}
	}
	for key, flag := range map[string]**bool{"add_bos_token": &c.addBOS, "add_eos_token": &c.addEOS} {
		if *flag == nil && file[key] != nil {
			if err := json.Unmarshal(file[key], flag); err != nil {
				return fmt.Errorf("%s: %s: %w", filepath.Join(dir, name), key, err)
			}
		}
	}
	return c.templateField(file["chat_template"])
}

// templateField reads chat_template: a template, or a list of named ones.
func (c *folderConfig) templateField(raw json.RawMessage) error {
	if absent(raw) {
		return nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		c.templates["default"] = one
		return nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("chat_template: want a template or a list of named ones: %w", err)
	}
	for _, t := range list {
		c.templates[t.Name] = t.Template
	}
	return nil
}

// readEnds reads eos_token_id, a number or a list of them.
func (c *folderConfig) readEnds(dir, name string) error {
	data, err := readFile(dir, name)
	if data == nil {
		return err
	}
	var file struct {
		EOS json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	if absent(file.EOS) {
		return nil
	}
	var list []int32
	if file.EOS[0] != '[' {
		list = []int32{0}
		err = json.Unmarshal(file.EOS, &list[0])
	} else {
		err = json.Unmarshal(file.EOS, &list)
	}
	if err != nil {
		return fmt.Errorf("%s: eos_token_id: %w", filepath.Join(dir, name), err)
	}
	c.ends = append(c.ends, list...)
	return nil
}

// readTemplates reads templates in files of their own, which go before others.
func (c *folderConfig) readTemplates(dir string) error {
	data, err := readFile(dir, "chat_template.jinja")
	if err != nil {
		return err
	}
	if data != nil {
		c.templates["default"] = string(data)
	}
	more, _ := filepath.Glob(filepath.Join(dir, "additional_chat_templates", "*.jinja"))
	for _, path := range more {
		data, err := readFile(filepath.Dir(path), filepath.Base(path))
		if err != nil {
			return err
		}
		c.templates[strings.TrimSuffix(filepath.Base(path), ".jinja")] = string(data)
	}
	return nil
}

// configure applies what the files beside tokenizer.json say.
func (b *builder) configure(c *folderConfig) error {
	id := func(role string) int32 {
		if c.tokens[role] == "" {
			return -1
		}
		id, ok := b.find(c.tokens[role])
		if !ok {
			return -1
		}
		return id
	}
	s := &b.t.special
	s.bos, s.eos, s.pad = id("bos_token"), id("eos_token"), id("pad_token")
	if unk := id("unk_token"); unk >= 0 {
		s.unk = unk
	}
	b.named(c)
	// Encoder models have CLS and SEP in those places.
	if s.bos < 0 {
		s.bos = id("cls_token")
	}
	if s.eos < 0 {
		s.eos = id("sep_token")
	}
	// transformers makes the template anew when these are given
	// (tokenization_utils_tokenizers.py, update_post_processor).
	if c.addBOS != nil || c.addEOS != nil {
		b.t.template = template{}
		if c.addBOS != nil && *c.addBOS && s.bos >= 0 {
			b.t.template.before = []int32{s.bos}
		}
		if c.addEOS != nil && *c.addEOS && s.eos >= 0 {
			b.t.template.after = []int32{s.eos}
		}
	}
	return nil
}

// named makes the tokens that the configuration names special: those that are
// added tokens already, and those of the vocabulary, which become so.
func (b *builder) named(c *folderConfig) {
	names := append([]string(nil), c.special...)
	for _, role := range roles {
		names = append(names, c.tokens[role])
	}
next:
	for _, name := range names {
		if name == "" {
			continue
		}
		for i := range b.added {
			if a := &b.added[i]; a.content == name {
				a.control, a.guarded = true, true
				continue next
			}
		}
		if id, ok := b.find(name); ok {
			b.added = append(b.added, addedToken{id: id, content: name, control: true, guarded: true})
		}
	}
}
