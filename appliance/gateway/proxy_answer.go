// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// errBadAnswer says that a service answered with something that is not HTTP,
// or not what it was asked.
var errBadAnswer = errors.New("the answer of the service can not be understood")

// maxInterim is how many 1xx answers a service may send before the real one.
const maxInterim = 8

// readAnswer reads the head of the answer to r. Interim answers that are for
// the visitor are passed on at once.
func readAnswer(w http.ResponseWriter, r *http.Request, c *backConn) (*http.Response, error) {
	c.left = maxAnswerHead
	if _, err := c.in.Peek(1); err != nil {
		return nil, noAnswerError{err}
	}
	for range maxInterim {
		resp, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBadAnswer, err)
		}
		if resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			c.left = -1
			return resp, nil
		}
		if resp.StatusCode == http.StatusEarlyHints {
			copyHeaders(w.Header(), resp.Header)
			w.WriteHeader(resp.StatusCode)
		}
	}
	return nil, errBadAnswer
}

// copyHeaders adds the headers of an answer, but those of the connection.
func copyHeaders(to, from http.Header) {
	listed := from["Connection"]
	for key, values := range from {
		if !hopByHop(key) && (len(listed) == 0 || !httpguts.HeaderValuesContainsToken(listed, key)) {
			to[key] = values
		}
	}
	if slices.ContainsFunc(from["Set-Cookie"], isOwn) {
		to["Set-Cookie"] = slices.DeleteFunc(slices.Clone(from["Set-Cookie"]), isOwn)
	}
}

// pass sends an answer to the visitor. Bytes never wait here for more: what is
// there is sent before the next read could block.
func pass(w http.ResponseWriter, resp *http.Response, c *backConn) error {
	h := w.Header()
	copyHeaders(h, resp.Header)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or net/http would guess one
	}
	w.WriteHeader(resp.StatusCode)
	if resp.Body == http.NoBody {
		return nil
	}
	buf := buffers.Get().(*[copyBufferSize]byte)
	defer buffers.Put(buf)
	left := resp.ContentLength
	for {
		n, readErr := resp.Body.Read(buf[:])
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			left -= int64(n)
		}
		switch {
		case errors.Is(readErr, io.EOF):
			for key, values := range resp.Trailer {
				h[http.TrailerPrefix+key] = values
			}
			return nil
		case readErr != nil:
			return readErr
		case left == 0:
			return nil
		case c.in.Buffered() == 0:
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
		}
	}
}
