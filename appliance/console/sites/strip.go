// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
)

// withoutTop reads a tar stream whose files all lie below top and gives it
// without that folder. Close ends it at any time, and closes r.
func withoutTop(r io.ReadCloser, top string) io.ReadCloser {
	out, in := io.Pipe()
	s := &stripped{PipeReader: out, source: r, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_ = in.CloseWithError(strip(in, r, top)) // it never fails
	}()
	return s
}

type stripped struct {
	*io.PipeReader
	source io.Closer
	done   chan struct{}
}

// Close ends the stream and waits for its goroutine.
func (s *stripped) Close() error {
	err := s.PipeReader.Close()
	<-s.done
	return errors.Join(err, s.source.Close())
}

func strip(w io.Writer, r io.Reader, top string) error {
	to := tar.NewWriter(w)
	for from := tar.NewReader(r); ; {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
		if err != nil {
			return err
		}
		plain := tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(h.Name, top), Mode: h.Mode, Size: h.Size}
		if err := to.WriteHeader(&plain); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, h.Size); err != nil {
			return err
		}
	}
}
