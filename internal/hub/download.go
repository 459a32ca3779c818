package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// attempts is how often in a row a download may break off without a new byte.
const attempts = 3

var errStalled = errors.New("the download stalled")

// client connects within the time-out of the options.
func (o Options) client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: o.ConnectTimeout}).DialContext
	t.TLSHandshakeTimeout = o.ConnectTimeout
	t.ResponseHeaderTimeout = 5 * o.ConnectTimeout
	t.DisableCompression = true // sizes and ranges are those of the file
	return &http.Client{Transport: t}
}

// get asks for a URL and returns an answer of the 2xx range, or an error.
// The token goes to the endpoint only: net/http drops it on the redirect to
// another host.
func (h *Hub) get(ctx context.Context, from string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "graft")
	if h.opts.Token != "" {
		req.Header.Set("Authorization", "Bearer "+h.opts.Token)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the URL of a redirect is long and may carry a signature
		}
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		resp.Body.Close()
		return nil, &statusError{resp.StatusCode, resp.Header.Get("X-Error-Message")}
	}
	return resp, nil
}

// download brings one file into the directory of the model, or finds it there.
func (j *job) download(ctx context.Context, from string, want File) (File, error) {
	path := filepath.Join(j.dir, filepath.FromSlash(want.Name))
	if f, ok := present(path, want); ok {
		j.progress(want.Name, f.Size, f.Size)
		return f, nil
	}
	p, err := openPart(path+partSuffix, true)
	if err != nil {
		return File{}, err
	}
	total := want.Size
	for failures := 0; ; {
		before := p.size
		err := j.receive(ctx, p, from, want, &total)
		if err == nil {
			os.Remove(p.path + etagSuffix)
			return p.commit(path, want)
		}
		if p.size > before {
			failures = 0
		}
		failures++
		if ctx.Err() != nil || failures == attempts || !(p.size > before || temporary(err)) {
			p.f.Close()
			return File{}, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(failures-1) * time.Second):
		}
	}
}

// present tells whether a whole file is there from an earlier pull.
func present(path string, want File) (File, bool) {
	info, err := os.Stat(path)
	if err != nil || want.SHA256 == "" || info.Size() != cmp.Or(want.Size, info.Size()) {
		return File{}, false
	}
	f, err := hashFile(path)
	f.Name = want.Name
	return f, err == nil && f.SHA256 == want.SHA256
}

// temporary tells whether trying once more can help.
func temporary(err error) bool {
	if s, ok := errors.AsType[*statusError](err); ok {
		return s.code == http.StatusTooManyRequests || s.code >= 500 || s.code == http.StatusRequestedRangeNotSatisfiable
	}
	return errors.Is(err, errStalled) || errors.Is(err, io.ErrUnexpectedEOF)
}

// etagSuffix marks the file that keeps the ETag of a part.
const etagSuffix = ".etag"

// receive asks for what is missing of a part and appends it.
func (j *job) receive(ctx context.Context, p *part, from string, want File, total *int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header, err := resume(p, want)
	if err != nil {
		return err
	}
	resp, err := j.hub.get(ctx, from, header)
	if s, ok := errors.AsType[*statusError](err); ok && s.code == http.StatusRequestedRangeNotSatisfiable {
		return errors.Join(err, p.restart())
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := j.begin(p, resp, want, total); err != nil {
		return err
	}

	watchdog := time.AfterFunc(j.hub.opts.StallTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		watchdog.Reset(j.hub.opts.StallTimeout)
		if _, err := p.Write(buf[:n]); err != nil {
			return err
		}
		if *total > 0 && p.size > *total {
			return errors.Join(fmt.Errorf("%s is longer than %d bytes", want.Name, *total), p.restart())
		}
		j.progress(want.Name, p.size, *total)
		switch {
		case err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
	}
}

// resume returns the headers that ask for the rest of a part. A part whose
// source cannot be compared begins anew.
func resume(p *part, want File) (http.Header, error) {
	if want.Size > 0 && p.size >= want.Size {
		return nil, p.restart()
	}
	if p.size == 0 {
		return nil, nil
	}
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-", p.size)}}
	etag, err := os.ReadFile(p.path + etagSuffix)
	switch {
	case err == nil:
		h.Set("If-Range", string(etag))
	case want.SHA256 == "":
		return nil, p.restart()
	}
	return h, nil
}

// begin looks at the answer: whether it continues the part, and how long the
// file is.
func (j *job) begin(p *part, resp *http.Response, want File, total *int64) error {
	size := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		var first, last int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size); err != nil || first != p.size {
			return errors.Join(fmt.Errorf("the server answered bytes %d- with Content-Range %q", p.size, resp.Header.Get("Content-Range")), p.restart())
		}
	} else if p.size > 0 {
		if err := p.restart(); err != nil {
			return err
		}
	}
	if want.Size > 0 && size > 0 && size != want.Size {
		return fmt.Errorf("%s has %d bytes there, want %d", want.Name, size, want.Size)
	}
	*total = max(size, want.Size)
	if err := j.space(*total - p.size); err != nil {
		return err
	}
	etag := resp.Header.Get("ETag")
	if etag == "" || strings.HasPrefix(etag, "W/") { // a weak one does not promise equal bytes
		return errIgnoreNotExist(os.Remove(p.path + etagSuffix))
	}
	return os.WriteFile(p.path+etagSuffix, []byte(etag), 0o644)
}

func errIgnoreNotExist(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
