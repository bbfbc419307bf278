// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
)

const maxSent = 512_000_000

// chunkLimit is how long one piece of an upload may take to arrive.
const chunkLimit = time.Minute

// errForm is what a form is that no browser sends.
var errForm = errors.New("the form cannot be read")

// form is what the page for a site sends.
type form struct {
	host   string
	upload string           // id of what was sent before
	got    *appliance.Draft // what was sent with this form
	fault  string           // what is wrong with it, in the reader's language
}

// patient reads a body as long as pieces keep coming: the limits that a server
// has for whole requests do not count. It reads no more than it may; what is
// beyond is thrown away, so that the sender gets an answer.
type patient struct {
	body io.Reader
	rc   *http.ResponseController
	left int64
	err  error // why no more comes: the sender has gone, or is too slow
}

// Read reads.
func (p *patient) Read(b []byte) (int, error) {
	if err := p.rc.SetReadDeadline(time.Now().Add(chunkLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		p.err = err
		return 0, err
	}
	n, err := p.body.Read(b)
	if p.left -= int64(n); p.left < 0 {
		return 0, errForm
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}

// drain reads what is left, so that the sender, who sends first and reads then,
// gets to the answer.
func (p *patient) drain() error {
	p.left = 1 << 62 // the router's limit of the body still counts
	_, err := io.Copy(io.Discard, p)
	return stalled(err)
}

// receive reads the form. What is wrong with what was sent is in the form; the
// error is for everything else.
func (s *site) receive(w http.ResponseWriter, r *http.Request) (f form, err error) {
	rc := http.NewResponseController(w)
	body := &patient{body: r.Body, rc: rc, left: s.sent}
	r.Body = io.NopCloser(body)
	parts, err := r.MultipartReader()
	if err != nil {
		return f, fmt.Errorf("read form: %w", err)
	}
	l := s.UI.Locale(r)
	err = s.readParts(r, &f, parts)
	switch p, _ := errors.AsType[*problem.Problem](err); {
	case body.left < 0:
		f.fault = l.T("sites.upload.large", "limit_bytes", l.Bytes(uint64(s.sent))) //nolint:gosec // positive
	case body.err != nil:
		err = stalled(body.err)
	case errors.Is(err, errForm):
		f.fault = l.T("sites.upload.damaged")
	case p != nil:
		f.fault = fault(l, p)
	case f.got != nil:
		f.fault = noFrontPage(l, *f.got)
	}
	if f.fault != "" {
		err = body.drain()
	}
	if f.fault != "" && f.got != nil {
		err = errors.Join(err, s.Box.Sites.DropDraft(r.Context(), f.got.ID))
		f.got = nil
	}
	return f, errors.Join(err, answerWithin(rc, chunkLimit))
}

// fault is what is wrong with what was sent; empty if p is about something else.
func fault(l *locale.Locale, p *problem.Problem) string {
	if p.Args["fault"] == "" {
		return ""
	}
	if text, known := l.Values(p.Args, time.Local).Say("sites.upload." + p.Args["fault"]); known {
		return text
	}
	return p.What
}

// noFrontPage says that visitors of the address would find no page.
func noFrontPage(l *locale.Locale, d appliance.Draft) string {
	switch {
	case d.Top != "" || d.Index == "index.html":
		return ""
	case d.Index != "":
		return l.T("sites.upload.index-below", "folder", path.Dir(d.Index))
	default:
		return l.T("sites.upload.no-index")
	}
}

// answerWithin gives the answer that follows its time again. The time to read
// is as long, because a connection whose time to read is over counts as closed.
func answerWithin(rc *http.ResponseController, limit time.Duration) error {
	until := time.Now().Add(limit)
	for _, set := range []func(time.Time) error{rc.SetReadDeadline, rc.SetWriteDeadline} {
		if err := set(until); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("set time for the answer: %w", err)
		}
	}
	return nil
}

func stalled(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &problem.Problem{
		Code: "upload-stalled", Kind: problem.Failed, What: "nothing more arrived for a minute, so nothing was received",
		Why: "the connection between this device and the box is slow or was interrupted", Next: []string{"send it again, nearer to the box if you can"}, Err: err,
	}
}

// readParts reads the fields of the form. The folder is the last of them.
func (s *site) readParts(r *http.Request, f *form, parts *multipart.Reader) error {
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(errForm, err)
		}
		switch name := fileName(p); {
		case p.FormName() == "host":
			f.host, err = short(p)
		case p.FormName() == "upload":
			f.upload, err = short(p)
		case name == "": // a file field without a file
		case p.FormName() == "archive":
			err = f.keep(s.Box.Sites.Receive(r.Context(), session(r), p))
		case p.FormName() == "folder":
			return f.keep(control.Send(r.Context(), s.Box.Sites, session(r), func(w io.Writer) error { return zipFolder(w, p, parts) }))
		}
		if err != nil {
			return err
		}
	}
}

func (f *form) keep(d appliance.Draft, err error) error {
	if err == nil {
		f.got = &d
	}
	return err
}

// zipFolder packs the files of a folder, the first of which is p. A zip is what
// may say after a file how large it was.
func zipFolder(w io.Writer, p *multipart.Part, parts *multipart.Reader) (err error) {
	z := zip.NewWriter(w)
	for ; err == nil; p, err = parts.NextPart() {
		name := fileName(p)
		if p.FormName() != "folder" || name == "" {
			continue
		}
		to, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, p); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return z.Close()
	}
	return errors.Join(errForm, err)
}

// fileName is the name of a file as the browser sent it: with its folders,
// which (*multipart.Part).FileName takes off.
func fileName(p *multipart.Part) string {
	_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return params["filename"]
}

func short(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, 1024))
	return string(data), err
}
