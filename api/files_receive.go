package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"graft/internal/store"
)

// Bounds of files.
const (
	formBytes   = 2 << 20 // of a form, beside its file
	maxFileName = 255     // bytes, as file systems have it
	minLifetime = time.Hour
	maxLifetime = 30 * 24 * time.Hour
)

// create is POST /v1/files: a form with a file, which is on the disk before its
// purpose is known, as the order of a form's fields is the client's.
func (h filesHandler) create(c *gin.Context) {
	f, err := h.receive(c)
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	h.writeJSON(c, http.StatusOK, fileOf(f))
}

func (h filesHandler) receive(c *gin.Context) (store.File, error) {
	content, name, fields, err := h.form(c, "file", h.Options.MaxFile)
	if content != nil {
		defer content.Discard()
	}
	if err != nil {
		return store.File{}, err
	}
	f := store.File{ID: h.ID("file-"), Owner: exchangeOf(c).key.ID, Name: name, Created: h.Now()}
	var lifetime time.Duration
	if err := h.fields(fields, &f.Purpose, &lifetime); err != nil {
		return f, err
	}
	if lifetime > 0 {
		f.Expires = f.Created.Add(lifetime)
	}
	return h.Files.PutFile(c.Request.Context(), f, content)
}

// fields reads what a form says beside its file.
func (h filesHandler) fields(fields map[string]string, purpose *string, lifetime *time.Duration) error {
	for key, text := range fields {
		switch key {
		case "purpose", "expires_after[anchor]", "expires_after[seconds]":
		default:
			if h.Options.Strict {
				return invalid(clip(key, 100), "unknown_parameter", "Unknown parameter: '%.100s'.", key)
			}
			continue
		}
		if key == "expires_after[anchor]" && text != "created_at" {
			return notOneOf(key, text, []string{"created_at"})
		}
	}
	if err := checkPurpose(fields["purpose"]); err != nil {
		return err
	}
	*purpose = fields["purpose"]
	_, anchored := fields["expires_after[anchor]"]
	text, ok := fields["expires_after[seconds]"]
	if anchored != ok {
		return invalid("expires_after", "missing_required_parameter", "Missing required parameter: 'expires_after' needs both 'anchor' and 'seconds'.")
	}
	if !ok {
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return invalid("expires_after[seconds]", "invalid_type", "Invalid type for 'expires_after[seconds]': expected an integer, but got '%.40s' instead.", text)
	}
	if seconds < int64(minLifetime/time.Second) || seconds > int64(maxLifetime/time.Second) {
		return badLifetime("expires_after[seconds]", seconds)
	}
	*lifetime = time.Duration(seconds) * time.Second
	return nil
}

func badLifetime(param string, seconds int64) error {
	return invalid(param, "invalid_value", "Invalid '%s': expected 3600 (an hour) to 2592000 (30 days), but got %d.", param, seconds)
}

func checkPurpose(purpose string) error {
	if purpose == "" {
		return invalid("purpose", "missing_required_parameter", "Missing required parameter: 'purpose'.")
	}
	for _, p := range sentPurposes {
		if p == purpose {
			return nil
		}
	}
	return notOneOf("purpose", purpose, sentPurposes)
}

// form receives a form with one file, in the field of that name. The content, if
// there is one, must be discarded.
func (h filesHandler) form(c *gin.Context, field string, most int64) (content *store.Content, name string, fields map[string]string, err error) {
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	default:
		return nil, "", nil, &Error{Status: http.StatusTooManyRequests, Type: rateLimit, Code: "too_many_uploads", RetryAfter: overloadedRetry,
			Message: fmt.Sprintf("%d files are being received already; try again in a moment.", cap(h.busy))}
	}
	if media, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")); media != "multipart/form-data" {
		return nil, "", nil, &Error{Status: http.StatusBadRequest, Type: invalidRequest, Code: "invalid_content_type",
			Message: fmt.Sprintf("The content type must be multipart/form-data, but is '%s'.", clip(c.GetHeader("Content-Type"), 100))}
	}
	body, err := h.slowly(c, most+formBytes)
	if err != nil {
		return nil, "", nil, err
	}
	c.Request.Body = io.NopCloser(body)
	form, err := c.Request.MultipartReader()
	if err != nil {
		return nil, "", nil, badForm(err)
	}
	fields = map[string]string{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return content, name, nil, badForm(err)
		}
		if part.FormName() != field {
			if part.FileName() != "" {
				return content, name, nil, invalid(clip(part.FormName(), 100), "unknown_parameter", "Unknown parameter: '%.100s' is a file; the file is expected in '%s'.", part.FormName(), field)
			}
			if err := readField(fields, part.FormName(), part); err != nil {
				return content, name, nil, err
			}
			continue
		}
		if content != nil {
			return content, name, nil, invalid(field, "duplicate_key", "The key '%s' appears twice: send one file at a time.", field)
		}
		if name, err = nameOfPart(part); err != nil {
			return nil, "", nil, err
		}
		if content, err = h.Files.StageFile(&bounded{part, most, most, field}); err != nil {
			return nil, "", nil, badForm(err)
		}
	}
	if content == nil {
		return nil, "", nil, invalid(field, "missing_required_parameter", "Missing required parameter: '%s'.", field)
	}
	return content, name, fields, nil
}

// nameOfPart is the last element of the name that a client gives: its folders do not
// count.
func nameOfPart(part *multipart.Part) (string, error) {
	name := strings.ToValidUTF8(part.FileName(), "\uFFFD")
	name = name[strings.LastIndexByte(name, '\\')+1:]
	return name, checkFileName(name)
}

func checkFileName(name string) error {
	if len(name) > maxFileName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid("filename", "invalid_value", "Invalid 'filename': at most %d bytes are accepted, none of them control characters.", maxFileName)
	}
	return nil
}

// bounded is a file of at most so many bytes.
type bounded struct {
	r     io.Reader
	left  int64
	most  int64
	field string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, &Error{Status: http.StatusRequestEntityTooLarge, Type: invalidRequest, Param: b.field, Code: "file_too_large",
			Message: fmt.Sprintf("The file is too large: at most %d bytes are accepted.", b.most)}
	}
	return n, err
}

// slowWriter cuts a client off that takes nothing for a while.
type slowWriter struct {
	w       io.Writer
	control *http.ResponseController
	timeout time.Duration
}

func (s slowWriter) Write(p []byte) (int, error) {
	if s.timeout > 0 {
		if err := s.control.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	return s.w.Write(p)
}

// attachment is a header that gives a file's name.
func attachment(name string) string {
	if h := mime.FormatMediaType("attachment", map[string]string{"filename": name}); h != "" {
		return h
	}
	return "attachment"
}

// isDiskFull says whether an error is that there is no room on the disk.
func isDiskFull(err error) bool {
	var disk *os.PathError
	return errors.As(err, &disk) && errors.Is(disk, syscall.ENOSPC)
}
