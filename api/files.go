package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"

	"graft/internal/store"
)

// Files keeps what clients send and what is made for them; *store.Store does.
type Files interface {
	StageFile(r io.Reader) (*store.Content, error)
	// PutFile returns store.ErrFull, wrapped, where there is no room.
	PutFile(ctx context.Context, f store.File, c *store.Content) (store.File, error)
	// The next four return store.ErrNotFound, wrapped, for an unknown id.
	File(ctx context.Context, id string) (store.File, error)
	Files(ctx context.Context, f store.FileFilter) (list []store.File, more bool, err error)
	OpenFile(f store.File) (*os.File, error)
	DeleteFile(ctx context.Context, id string) error

	PutUpload(ctx context.Context, u store.Upload) error
	Upload(ctx context.Context, id string) (store.Upload, error)
	// What changes an upload returns store.ErrEnded, wrapped, when it has ended.
	PutPart(ctx context.Context, p store.Part, c *store.Content) error
	Parts(ctx context.Context, upload string) (map[string]store.Part, error)
	CompleteUpload(ctx context.Context, id string, f store.File, c *store.Content) (store.File, error)
	CancelUpload(ctx context.Context, id string) error
}

// filesHandler is /v1/files and /v1/uploads.
type filesHandler struct {
	*server
	busy chan struct{} // uploads that are being received
}

// maxReceiving bounds the files that are received at once; they wait on the disk
// until they are whole.
const maxReceiving = 32

func (s *server) newFilesHandler() filesHandler {
	return filesHandler{s, make(chan struct{}, maxReceiving)}
}

// Purposes of files: those that clients may send, and those of graft's own.
var (
	sentPurposes = []string{"fine-tune", "batch", "user_data", "evals", "assistants", "vision"}
	filePurposes = append([]string{"fine-tune-results", "batch_output", "assistants_output"}, sentPurposes...)
)

// fileObject is OpenAI's.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at,omitempty"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`         // deprecated, and required
	StatusDetails *string `json:"status_details"` // the same
}

func fileOf(f store.File) fileObject {
	o := fileObject{ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created.Unix(), Filename: f.Name, Purpose: f.Purpose, Status: "processed"}
	if !f.Expires.IsZero() {
		at := f.Expires.Unix()
		o.ExpiresAt = &at
	}
	return o
}

type fileList struct {
	Object  string       `json:"object"`
	Data    []fileObject `json:"data"`
	FirstID *string      `json:"first_id"`
	LastID  *string      `json:"last_id"`
	HasMore bool         `json:"has_more"`
}

// deletion is what OpenAI answers when something is gone.
type deletion struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

// needFiles stops requests on a server that keeps no files.
func (h filesHandler) needFiles(c *gin.Context) {
	if h.Files == nil {
		h.fail(c, &Error{Status: http.StatusConflict, Type: invalidRequest, Code: "files_unavailable", NoRetry: true,
			Message: "This server keeps no files."}, "")
	}
}

// file is a file that the client may see.
func (s *server) file(c *gin.Context, id, param string) (store.File, error) {
	f, err := s.Files.File(c.Request.Context(), id)
	if err == nil && !s.owns(c, f.Owner) {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		err = noFile(id, param)
	}
	return f, err
}

func noFile(id, param string) error {
	return &Error{Status: http.StatusNotFound, Type: invalidRequest, Param: param, Code: "file_not_found", Message: fmt.Sprintf("No such File object: %.100s", id)}
}

// owns says whether the client may see what a key has made.
func (s *server) owns(c *gin.Context, owner string) bool {
	return s.admin(c) || owner == exchangeOf(c).key.ID
}

// filesError is what is told of an error of Files.
func filesError(err error) error {
	switch {
	case errors.Is(err, store.ErrEnded):
		return &Error{Status: http.StatusBadRequest, Type: invalidRequest, Param: "upload_id", Code: "upload_ended", Message: sentence(err.Error()) + "."}
	case errors.Is(err, store.ErrFull):
		return &Error{Status: http.StatusInsufficientStorage, Type: serverError, Code: "file_storage_full", NoRetry: true,
			Message: sentence(err.Error()) + ": delete files, or raise files.max_stored in the server's configuration."}
	case isDiskFull(err):
		return &Error{Status: http.StatusInsufficientStorage, Type: serverError, Code: "file_storage_full", NoRetry: true, Message: "The server's disk is full."}
	}
	return err
}

func (h filesHandler) list(c *gin.Context) {
	list, err := h.filtered(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, list)
}

func (h filesHandler) filtered(c *gin.Context) (*fileList, error) {
	q := query{c: c, strict: h.Options.Strict}
	f := store.FileFilter{Everybody: h.admin(c), Owner: exchangeOf(c).key.ID}
	f.Purpose = q.enum("purpose", "", filePurposes...)
	f.Limit = q.integer("limit", 10_000, 1, 10_000)
	f.Ascending = q.enum("order", "desc", "asc", "desc") == "asc"
	f.After = q.text("after")
	if err := q.end(); err != nil {
		return nil, err
	}
	if f.After != "" {
		if _, err := h.file(c, f.After, "after"); err != nil {
			return nil, err
		}
	}
	files, more, err := h.Files.Files(c.Request.Context(), f)
	if err != nil {
		return nil, err
	}
	list := &fileList{Object: "list", Data: make([]fileObject, len(files)), HasMore: more}
	for i, f := range files {
		list.Data[i] = fileOf(f)
	}
	if n := len(files); n > 0 {
		list.FirstID, list.LastID = &files[0].ID, &files[n-1].ID
	}
	return list, nil
}

func (h filesHandler) get(c *gin.Context) {
	f, err := h.file(c, c.Param("id"), "id")
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, fileOf(f))
}

func (h filesHandler) delete(c *gin.Context) {
	f, err := h.file(c, c.Param("id"), "id")
	if err == nil {
		if err = h.Files.DeleteFile(c.Request.Context(), f.ID); errors.Is(err, store.ErrNotFound) {
			err = noFile(f.ID, "id")
		}
	}
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	h.writeJSON(c, http.StatusOK, deletion{f.ID, "file", true})
}

// content sends the bytes of a file. A client that takes none for a while is cut off.
func (h filesHandler) content(c *gin.Context) {
	f, err := h.file(c, c.Param("id"), "id")
	var r *os.File
	if err == nil {
		if r, err = h.Files.OpenFile(f); errors.Is(err, store.ErrNotFound) { // deleted meanwhile
			err = noFile(f.ID, "id")
		}
	}
	if err != nil {
		h.fail(c, err, "")
		return
	}
	defer r.Close()
	setProcessing(c)
	c.Header("Content-Type", "application/octet-stream")
	c.Header("Content-Length", strconv.FormatInt(f.Bytes, 10))
	c.Header("Content-Disposition", attachment(f.Name))
	c.Header("X-Content-Type-Options", "nosniff")
	c.Status(http.StatusOK)
	_, _ = io.Copy(slowWriter{c.Writer, http.NewResponseController(c.Writer), h.Options.WriteTimeout}, r) // an error: the client has left, or sees too few bytes
}
