package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/hub"
)

// addFlags are how an adapter gets a name.
type addFlags struct {
	base, expect, notes    string
	replace, stage, shadow bool
}

func (e *env) addAdapter(f *adapterFlags) *cobra.Command {
	var a addFlags
	c := &cobra.Command{
		Use:   "add NAME PATH|OWNER/NAME[@REVISION]",
		Short: "Check an adapter against its base and give it a name",
		Long: `Check an adapter against its base and give it a name: a PEFT folder
(adapter_config.json, adapter_model.safetensors), a GGUF file, or a .tar.gz of a
folder; or a repository of Hugging Face. Whatever does not fit the base is listed,
and nothing is stored. A server that cannot read the path is sent the files.`,
		Example: `  graft adapters add support ./checkpoints/support
  graft adapters add support ./support-v2.gguf --replace --expect 9f86d081
  graft adapters add support ./support-v3 --stage && graft adapters promote support
  graft adapters add sql OWNER/NAME@main --base smollm2-135m-instruct`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			info, err := e.runAdd(c.Context(), f, a, args[0], args[1])
			if err != nil {
				return err
			}
			if f.json {
				return e.printJSON(info)
			}
			return printAdapter(e.out, info, false)
		},
	}
	a.register(c)
	return c
}

func (a *addFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&a.base, "base", "", "the `MODEL` it belongs to (default: the server's first)")
	c.Flags().BoolVar(&a.replace, "replace", false, "the name may be taken: it then stands for the new generation")
	c.Flags().StringVar(&a.expect, "expect", "", expectUsage)
	c.Flags().BoolVar(&a.stage, "stage", false, "store it under the name without answering for the name yet")
	c.Flags().BoolVar(&a.shadow, "shadow", false, "the name may be that of a model, which it then hides")
	c.Flags().StringVar(&a.notes, "notes", "", "what people should know of it")
	c.RegisterFlagCompletionFunc("base", completeModels)
}

// fields are what servers take beside the files.
func (a *addFlags) fields(name string) map[string]any {
	m := map[string]any{"name": name}
	for key, value := range map[string]string{"base": a.base, "expected_generation": a.expect, "notes": a.notes} {
		if value != "" {
			m[key] = value
		}
	}
	for key, value := range map[string]bool{"replace": a.replace, "stage": a.stage, "shadow": a.shadow} {
		if value {
			m[key] = true
		}
	}
	return m
}

// repositoryName is OWNER/NAME[@REVISION].
var repositoryName = regexp.MustCompile(`^([A-Za-z0-9][\w.-]*/[\w][\w.-]*)(?:@([\w./-]+))?$`)

// runAdd gives a source a name.
func (e *env) runAdd(ctx context.Context, f *adapterFlags, a addFlags, name, source string) (info adapterInfo, err error) {
	if a.expect != "" {
		a.replace = true
	}
	path, err := filepath.Abs(source)
	if err != nil {
		return info, err
	}
	_, missing := os.Stat(path)
	repo := repositoryName.FindStringSubmatch(source)
	if missing != nil && (repo == nil || looksLocal(source)) {
		return info, missing
	}
	conf, err := e.load(nil)
	if err != nil {
		return info, err
	}
	if a.base != "" {
		conf, a.base = app.ServeAlso(conf, a.base)
	}
	conf.Adapters.Roots = append(conf.Adapters.Roots, filepath.Dir(path)) // of a server for this command alone
	err = e.withServer(ctx, f, conf, true, func(cl *client) error {
		body := a.fields(name)
		if missing != nil {
			body["repo"] = repo[1]
			if repo[2] != "" {
				body["revision"] = repo[2]
			}
			return cl.call(ctx, http.MethodPost, "/v1/lora_adapters", body, &info)
		}
		body["path"] = path
		err := cl.call(ctx, http.MethodPost, "/v1/lora_adapters", body, &info)
		var no *refused
		if !errors.As(err, &no) || no.code != "adapter_path_forbidden" && no.status != http.StatusNotFound {
			return err
		}
		delete(body, "path")
		return e.upload(ctx, cl, path, body, &info)
	})
	return info, err
}

// looksLocal tells paths from repositories.
func looksLocal(source string) bool {
	return filepath.IsAbs(source) || strings.HasPrefix(source, ".") || strings.HasPrefix(source, "~") || filepath.Ext(source) == ".gguf"
}

// upload sends the files of an adapter as a form, and shows how that goes.
func (e *env) upload(ctx context.Context, cl *client, path string, fields map[string]any, out any) error {
	files, total, err := adapterFiles(path)
	if err != nil {
		return err
	}
	p := e.newProgress(false)
	defer p.close()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		err := sendForm(form, fields, files, func(done int64) {
			p.event(hub.Event{Kind: hub.EventProgress, File: "sending " + filepath.Base(path), Done: done, Total: total})
		})
		w.CloseWithError(cmp.Or(err, form.Close()))
	}()
	defer r.Close() // ends the goroutine when the server does not read to the end
	resp, err := cl.send(ctx, http.MethodPost, "/v1/lora_adapters", form.FormDataContentType(), r)
	if err != nil {
		return err
	}
	return decodeAnswer(resp, out)
}

// adapterFiles are the files that make an adapter, and their bytes.
func adapterFiles(path string) (files []string, total int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.IsDir() {
		return []string{path}, info.Size(), nil
	}
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil {
			return nil, 0, fmt.Errorf("a PEFT folder holds adapter_config.json and adapter_model.safetensors: %w", err)
		}
		files, total = append(files, filepath.Join(path, name)), total+info.Size()
	}
	return files, total, nil
}

// sendForm writes fields and files; sent hears of the bytes of files so far.
func sendForm(form *multipart.Writer, fields map[string]any, files []string, sent func(int64)) error {
	for key, value := range fields {
		if err := form.WriteField(key, fmt.Sprint(value)); err != nil {
			return err
		}
	}
	done := int64(0)
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		part, err := form.CreateFormFile("file", filepath.Base(path))
		if err == nil {
			_, err = io.Copy(counted{part, func(n int) { done += int64(n); sent(done) }}, f)
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// counted tells how many bytes are written.
type counted struct {
	io.Writer
	tell func(n int)
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.tell(n)
	return n, err
}
