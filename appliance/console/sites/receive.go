// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"coopkit/internal/problem"
)

// allowed are the limits of what is sent to this box.
func allowed() limits {
	return limits{sent: maxSent, bytes: 2_000_000_000, files: 20_000, ratio: 200, free: 64_000_000}
}

const maxSent = 512_000_000

// chunkLimit is how long one piece of an upload may take to arrive.
const chunkLimit = time.Minute

// inMemory is how much of one file of a folder is held in memory.
const inMemory = 1 << 20

// form is what the page for a site sends.
type form struct {
	host   string
	upload string // id of what was sent before
	got    *upload
	fault  *fault
}

// sendError says that the sender has gone, is too slow or sends too much.
type sendError struct{ err error }

// Error is for logs.
func (e *sendError) Error() string { return "receive upload: " + e.err.Error() }

// Unwrap returns the cause.
func (e *sendError) Unwrap() error { return e.err }

// patient reads a body as long as pieces keep coming: the limits that a server
// has for whole requests do not count. It reads no more than it may; what is
// beyond is thrown away, so that the sender gets an answer.
type patient struct {
	body io.Reader
	rc   *http.ResponseController
	left int64
	over bool
}

// Read reads.
func (p *patient) Read(b []byte) (int, error) {
	if err := p.rc.SetReadDeadline(time.Now().Add(chunkLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, &sendError{err}
	}
	n, err := p.body.Read(b)
	if p.left -= int64(n); p.left < 0 {
		p.over = true
		return 0, &sendError{errors.New("it is too large")}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sendError{err}
	}
	return n, err
}

// drain reads what is left, so that the sender, who sends first and reads then,
// gets to the answer.
func (p *patient) drain() error {
	p.left = 1 << 62 // the router's limit of the body still counts
	_, err := io.Copy(io.Discard, p)
	return err
}

// receive reads the form. What is wrong with what was sent is in the form; the
// error is for everything else.
func (s *site) receive(w http.ResponseWriter, r *http.Request, session string) (f form, err error) {
	leave, err := s.spool.enter()
	if err != nil {
		return f, err
	}
	defer leave()
	rc := http.NewResponseController(w)
	body := &patient{body: r.Body, rc: rc, left: s.limits.sent}
	r.Body = io.NopCloser(body)
	parts, err := r.MultipartReader()
	if err != nil {
		return f, fmt.Errorf("read form: %w", err)
	}
	file, err := s.spool.scratch()
	if err != nil {
		return f, err
	}
	c := newCollector(file, s.limits)
	err = s.readParts(&f, c, parts)
	if body.over {
		err = tooLarge(s.limits.sent)
	}
	if err == nil {
		err = s.close(&f, c, file, session)
	}
	if f.got == nil {
		err = errors.Join(err, discard(file))
	}
	if known, ok := errors.AsType[*fault](err); ok {
		f.fault, err = known, body.drain()
	}
	return f, full(errors.Join(stalled(err), answerWithin(rc, chunkLimit)))
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

// close keeps what was collected, if anything was sent at all.
func (s *site) close(f *form, c *collector, file *os.File, session string) error {
	if len(c.files) == 0 && c.leftOut == 0 {
		return nil
	}
	top, err := c.finish()
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write spool: %w", err)
	}
	u := s.spool.keep(upload{session: session, path: file.Name(), top: top, files: len(c.files), bytes: c.bytes, leftOut: c.leftOut})
	f.got = &u
	return nil
}

func (s *site) readParts(f *form, c *collector, parts *multipart.Reader) error {
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
		switch name := fileName(p); {
		case p.FormName() == "host":
			f.host, err = short(p)
		case p.FormName() == "upload":
			f.upload, err = short(p)
		case name == "": // a file field without a file
		case p.FormName() == "archive":
			err = readArchive(c, p, s.spool.scratch)
		case p.FormName() == "folder":
			err = s.readFile(c, name, p)
		}
		if err != nil {
			return err
		}
	}
}

// unreadable is what a form that no browser sends is.
func unreadable(err error) error {
	if fromOutside(err) {
		return err
	}
	return damaged()
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

// readFile adds a file of a folder. How large it is is known at its end, so it
// waits in memory, or if it is large in a file of its own.
func (s *site) readFile(c *collector, name string, r io.Reader) (err error) {
	var small bytes.Buffer
	n, err := io.Copy(&small, io.LimitReader(r, inMemory+1))
	if err != nil {
		return unreadable(err)
	}
	if n <= inMemory {
		return c.add(name, n, &small)
	}
	large, err := s.spool.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(large)) }()
	size, err := io.Copy(large, io.MultiReader(&small, r))
	if err != nil {
		return err
	}
	if _, err := large.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	return c.add(name, size, large)
}
