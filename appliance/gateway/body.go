// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
)

// incoming is a body on its way.
type incoming struct {
	io.ReadCloser
	v *visit
}

// Read implements io.Reader.
func (u *incoming) Read(b []byte) (int, error) {
	u.v.reading.begin(u.v)
	n, err := u.ReadCloser.Read(b)
	u.v.reading.end()
	u.v.received.Add(int64(n))
	if errors.Is(err, io.EOF) {
		u.v.uploaded.Store(true)
	}
	return n, err
}

// errSlow says that a visitor took too long to send a small body.
var errSlow = errors.New("the body did not come in time")

// collect reads a small body, so that no service has to wait for it. Larger
// ones, and those of unknown size, are passed on as they come: both sides may
// want to speak at the same time, or the service to refuse before the end.
func (v *visit) collect(r *http.Request) error {
	if !collectable(r) {
		return nil
	}
	v.collecting.Store(true)
	body := new(collected)
	body.Grow(int(r.ContentLength) + bytes.MinRead)
	_, err := body.ReadFrom(r.Body)
	v.collecting.Store(false)
	switch ne, ok := errors.AsType[net.Error](err); {
	case err == nil:
		r.Body = body
		return nil
	case ok && ne.Timeout():
		return errSlow
	default:
		return err
	}
}

// collected is a small body that has come.
type collected struct{ bytes.Buffer }

// Read implements io.Reader. The end comes with the last bytes, as from
// net/http, so that who reads them knows that they are.
func (c *collected) Read(b []byte) (int, error) {
	n, err := c.Buffer.Read(b)
	if c.Len() == 0 {
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer.
func (*collected) Close() error { return nil }
