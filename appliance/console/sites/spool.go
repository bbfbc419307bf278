// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// keepFor is how long something that was sent waits to be published.
const keepFor = 30 * time.Minute

// receiving is how many people may send at the same time.
const receiving = 2

// prefix begins the names of our files in the spool's folder.
const prefix = "upload-"

// upload is a site that was sent and waits to be published: a tar stream in a
// file. Top is the folder in it that holds the site, with a slash, or empty.
type upload struct {
	id, session, path, top string
	files, leftOut         int
	bytes                  int64
	created                time.Time
}

// spool keeps what was sent until it is published or too old. Only the session
// that sent something can have it. It is safe for concurrent use.
type spool struct {
	dir  string
	now  func() time.Time
	log  *slog.Logger
	room chan struct{}

	mu   sync.Mutex
	held map[string]upload
}

func newSpool(dir string, now func() time.Time, log *slog.Logger) *spool {
	s := &spool{dir: dir, now: now, log: log, room: make(chan struct{}, receiving), held: map[string]upload{}}
	s.empty()
	return s
}

// enter lets one more be received; leave with the function it returns.
func (s *spool) enter() (leave func(), err error) {
	select {
	case s.room <- struct{}{}:
		return func() { <-s.room }, nil
	default:
		return nil, &problem.Problem{
			Code: "upload-busy", Kind: problem.Unavailable, What: "other people are sending sites at this moment",
			Why: "the box receives two at a time, so that its disk has room", Next: []string{"send it again in a few minutes"},
		}
	}
}

// scratch makes a file in the spool's folder, which nobody else may read.
func (s *spool) scratch() (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool folder: %w", full(err))
	}
	f, err := os.CreateTemp(s.dir, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("make spool file: %w", full(err))
	}
	return f, nil
}

// empty removes what a former run left.
func (s *spool) empty() {
	left, err := filepath.Glob(filepath.Join(s.dir, prefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		s.log.Warn("old uploads not removed", logkey.Path, s.dir, logkey.Err, err)
	}
}

// keep holds an upload for its session, under a new id, and forgets it after a
// while. The session's former upload goes.
func (s *spool) keep(u upload) upload {
	u.id, u.created = strings.ToLower(rand.Text()), s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.held {
		if old.session == u.session {
			s.remove(id)
		}
	}
	s.held[u.id] = u
	time.AfterFunc(keepFor+time.Second, s.sweep)
	return u
}

// get returns what the session sent. The error is a Problem "upload-gone".
func (s *spool) get(session, id string) (upload, error) {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.held[id]
	if !ok || u.session != session {
		return upload{}, &problem.Problem{
			Code: "upload-gone", Kind: problem.NotFound, What: "what was sent is not on the box any more, so nothing was published",
			Why: "it is kept for 30 minutes, and only until the box restarts or something else is sent", Next: []string{"send the site again"},
		}
	}
	return u, nil
}

// drop forgets what the session sent; it is no error when it is gone.
func (s *spool) drop(session, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id].session == session {
		s.remove(id)
	}
}

// sweep removes what is too old.
func (s *spool) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, u := range s.held {
		if s.now().Sub(u.created) > keepFor {
			s.remove(id)
		}
	}
}

func (s *spool) remove(id string) {
	u, ok := s.held[id]
	if !ok {
		return
	}
	delete(s.held, id)
	if err := os.Remove(u.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("upload not removed", logkey.Path, u.path, logkey.Err, err)
	}
}

// open returns the files of an upload as a tar stream, the site at its top.
func (u upload) open() (io.ReadCloser, error) {
	f, err := os.Open(u.path)
	if err != nil {
		return nil, fmt.Errorf("open upload: %w", err)
	}
	if u.top == "" {
		return f, nil
	}
	return withoutTop(f, u.top), nil
}

// full says that the disk is full, if that is what err is.
func full(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return &problem.Problem{
		Code: "upload-disk-full", Kind: problem.Failed, What: "the disk of the box is full, so nothing was received",
		Why: "the box keeps what is sent until it is published", Next: []string{"make room on the disk and send it again"}, Err: err,
	}
}
