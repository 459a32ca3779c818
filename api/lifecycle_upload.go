package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// Bounds of what an upload says beside its files.
const (
	maxFields     = 32
	maxFieldBytes = 1 << 20 // of one, as settings
	maxFiles      = 32      // PEFT's folder has two or three
)

// uploadRate is what a client must send at least, in bytes a second, beyond the
// time that any body may take (server.read_timeout): slower than a modem, so that
// nobody holds a place for hours.
const uploadRate = 16 << 10

// slowBody is a body that is read as it comes, with bounds on its length and time.
type slowBody struct {
	io.Reader
	control *http.ResponseController
	start   time.Time
	timeout time.Duration
	read    int64
	most    int64
}

func (h adaptersHandler) upload(c *gin.Context) (*slowBody, error) {
	return h.slowly(c, h.Options.MaxUpload)
}

// slowly is a request's body of at most so many bytes.
func (s *server) slowly(c *gin.Context, most int64) (*slowBody, error) {
	if encoding := c.GetHeader("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "invalid_content_encoding",
			Message: fmt.Sprintf("The content encoding '%s' is not supported: send the file as it is, with its own content type.", clip(encoding, 100))}
	}
	return &slowBody{
		Reader:  http.MaxBytesReader(c.Writer, c.Request.Body, most),
		control: http.NewResponseController(c.Writer), start: time.Now(), timeout: s.Options.ReadTimeout, most: most,
	}, nil
}

// Read reads some of the body, or fails with an *Error.
func (b *slowBody) Read(p []byte) (int, error) {
	if b.timeout > 0 {
		earned := time.Duration(float64(b.read) / uploadRate * float64(time.Second))
		_ = b.control.SetReadDeadline(b.start.Add(b.timeout + earned)) // a recorder in a test has none
	}
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	var long *http.MaxBytesError
	switch {
	case err == nil || err == io.EOF:
	case errors.As(err, &long):
		err = &Error{Status: http.StatusRequestEntityTooLarge, Type: invalidRequest, Code: "request_body_too_large",
			Message: fmt.Sprintf("The upload is too large: at most %d bytes are accepted.", b.most)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &Error{Status: http.StatusRequestTimeout, Type: invalidRequest, Code: "upload_too_slow", NoRetry: true,
			Message: fmt.Sprintf("The upload took too long: after %v, at least %d bytes a second must come.", b.timeout, uploadRate)}
	default:
		err = &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "incomplete_body", Message: "The request body ended early."}
	}
	return n, err
}

// createFromBody adds what the body is: a tar of a PEFT folder, compressed or not,
// or one GGUF file. The query says the rest.
func (h adaptersHandler) createFromBody(c *gin.Context, media string) (adapters.Entry, error) {
	fields := map[string]string{}
	for key, values := range c.Request.URL.Query() {
		fields[key] = values[0]
	}
	req, err := h.addFields(fields)
	if err != nil {
		return adapters.Entry{}, err
	}
	slow, err := h.upload(c)
	if err != nil {
		return adapters.Entry{}, err
	}
	var body io.Reader = slow
	if req.settings != nil { // which nobody may change while it is added: so it must not be slow
		f, err := h.spool(slow)
		if err != nil {
			return adapters.Entry{}, err
		}
		defer unspool(f)
		body = f
	}
	if media == "application/octet-stream" {
		req.Files = []adapters.File{{Name: "adapter.gguf", Reader: body}}
	} else {
		req.Archive = body
	}
	return h.add(c, req)
}

// createFromForm adds the files of a form: those of a PEFT folder, one GGUF file,
// or one archive. Files wait on disk, since fields may come after them.
func (h adaptersHandler) createFromForm(c *gin.Context) (adapters.Entry, error) {
	body, err := h.upload(c)
	if err != nil {
		return adapters.Entry{}, err
	}
	c.Request.Body = io.NopCloser(body)
	form, err := c.Request.MultipartReader()
	if err != nil {
		return adapters.Entry{}, badForm(err)
	}
	fields := map[string]string{}
	var files []adapters.File
	var spooled []*os.File
	defer func() { unspool(spooled...) }()
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return adapters.Entry{}, badForm(err)
		}
		name := part.FileName() // its last element: the client's folders do not count
		name = name[strings.LastIndexByte(name, '\\')+1:]
		if name == "" {
			if err := readField(fields, part.FormName(), part); err != nil {
				return adapters.Entry{}, err
			}
			continue
		}
		if len(files) == maxFiles {
			return adapters.Entry{}, badForm(fmt.Errorf("it has more than %d files", maxFiles))
		}
		if slices.ContainsFunc(files, func(f adapters.File) bool { return f.Name == name }) {
			return adapters.Entry{}, badForm(fmt.Errorf("it has two files called %.100q", name))
		}
		f, err := h.spool(part)
		if err != nil {
			return adapters.Entry{}, badForm(err)
		}
		spooled = append(spooled, f)
		files = append(files, adapters.File{Name: name, Reader: f})
	}
	req, err := h.addFields(fields)
	if err != nil {
		return adapters.Entry{}, err
	}
	if len(files) == 0 {
		return adapters.Entry{}, invalid("file", "missing_required_parameter", "The form has no file: send adapter_config.json and adapter_model.safetensors, or a .tar.gz of them, or one .gguf file.")
	}
	if name := files[0].Name; len(files) == 1 && (strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar")) {
		req.Archive = files[0].Reader
	} else {
		req.Files = files
	}
	return h.add(c, req)
}

// spool brings what a client sends to the disk; unspool must be called.
func (h adaptersHandler) spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp(h.Options.SpoolDir, "upload-*")
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, r); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		unspool(f)
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: the server's disk is full", adapters.ErrQuota)
		}
		return nil, err
	}
	return f, nil
}

func unspool(files ...*os.File) {
	for _, f := range files {
		f.Close()
		os.Remove(f.Name())
	}
}

func readField(fields map[string]string, name string, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxFieldBytes+1))
	_, twice := fields[name]
	switch {
	case err != nil:
		return badForm(err)
	case twice:
		return invalid(name, "duplicate_key", "The key '%s' appears twice.", clip(name, 100))
	case len(text) > maxFieldBytes || len(fields) == maxFields:
		return badForm(fmt.Errorf("more than %d fields, or one of more than %d bytes", maxFields, maxFieldBytes))
	}
	fields[name] = string(text)
	return nil
}

// badForm is what is wrong with a form, unless it is the disk.
func badForm(err error) error {
	var e *Error
	var disk *os.PathError
	if errors.As(err, &e) || errors.As(err, &disk) || errors.Is(err, adapters.ErrQuota) {
		return err
	}
	return &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "invalid_form", Message: fmt.Sprintf("We could not read the form of your request: %.300s.", err)}
}

// addFields reads what an upload says beside its files by the rules of the JSON
// body: texts are as they are, booleans are true and false, settings are JSON.
func (h adaptersHandler) addFields(fields map[string]string) (req addition, err error) {
	doc := map[string]any{}
	for key, text := range fields {
		switch key {
		case "replace", "load_inplace", "stage", "shadow":
			b, err := strconv.ParseBool(text)
			if err != nil {
				return req, invalid(key, "invalid_type", "Invalid type for '%s': expected true or false, but got '%.40s' instead.", key, text)
			}
			doc[key] = b
		case "settings":
			if err := checkJSON([]byte(text)); err != nil {
				return req, invalid(key, "invalid_json", "Invalid '%s': it must be a JSON object.", key)
			}
			doc[key] = json.RawMessage(text)
		default:
			doc[key] = text
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return req, err
	}
	_, err = decode(body, true, func(o *object) { bindAdd(o, &req) })
	return req, err
}
