// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// errBadAnswer says that a service answered with something that is not HTTP,
// or not what it was asked.
var errBadAnswer = errors.New("the answer of the service cannot be understood")

// noAnswerError says that a connection broke before the first byte of an answer.
type noAnswerError struct{ error }

// Unwrap returns why it broke.
func (e noAnswerError) Unwrap() error { return e.error }

// maxInterim is how many 1xx answers a service may send before the real one.
const maxInterim = 100

// receive reads the head of the answer to out. Interim answers are passed on at
// once, but for 100 Continue, which net/http sends when the body is read.
func (e *exchange) receive(out *http.Request) (*http.Response, error) {
	for range maxInterim {
		resp, err := e.c.readAnswer(out)
		if err != nil {
			return nil, err
		}
		switch status := resp.StatusCode; {
		case status == http.StatusSwitchingProtocols:
			e.up.wanted(false)
			return resp, e.checkUpgrade(resp)
		case status >= http.StatusOK:
			e.up.wanted(false)
			e.final = resp.Close || bodyless(out.Method, resp) || e.c.in.Size() > connBufferSize
			return resp, nil
		case status == http.StatusContinue:
			e.up.wanted(true)
		default:
			e.passInterim(out, resp)
		}
	}
	return nil, fmt.Errorf("%w: more than %d interim answers", errBadAnswer, maxInterim)
}

// readAnswer reads one head. Its Connection header has been obeyed: what it
// lists is gone, also beside "close", with which net/http forgets the list.
func (c *backConn) readAnswer(out *http.Request) (*http.Response, error) {
	head, err := c.head()
	if err != nil {
		return nil, err
	}
	listed := connectionOptions(head)
	resp, err := http.ReadResponse(c.in, out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	if resp.StatusCode < 100 {
		return nil, fmt.Errorf("%w: status %d", errBadAnswer, resp.StatusCode)
	}
	for _, name := range listed {
		if name != "Connection" && name != "Upgrade" { // ReverseProxy needs these two
			resp.Header.Del(name)
		}
	}
	return resp, nil
}

// connectionOptions returns what the Connection headers of a head list.
func connectionOptions(head []byte) []string {
	var names []string
	in := false
	for line := range bytes.Lines(head) {
		if line[0] != ' ' && line[0] != '\t' { // or it continues the line before
			name, value, _ := bytes.Cut(line, []byte(":"))
			in, line = bytes.EqualFold(name, []byte("Connection")), value
		}
		if in {
			for name := range strings.SplitSeq(string(line), ",") {
				names = append(names, textproto.TrimString(name))
			}
		}
	}
	return names
}

// bodyless reports whether an answer that has no body announces one. Some
// services then send it.
func bodyless(method string, resp *http.Response) bool {
	none := method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
	length := resp.Header.Get("Content-Length")
	return none && (length != "" && length != "0" || len(resp.TransferEncoding) > 0)
}

// passInterim sends an interim answer to a visitor who may know of such
// (RFC 9110 section 15.2).
func (e *exchange) passInterim(out *http.Request, resp *http.Response) {
	if !e.r.ProtoAtLeast(1, 1) {
		return
	}
	clean(resp.Header)
	own := e.Header()
	kept := own.Clone()
	// ReverseProxy adds its headers to the answer's, writes, and clears all.
	_ = httptrace.ContextClientTrace(out.Context()).Got1xxResponse(resp.StatusCode, textproto.MIMEHeader(resp.Header))
	maps.Copy(own, kept)
}

// modify is ReverseProxy's ModifyResponse, for final answers and 101.
func (e *exchange) modify(resp *http.Response) error {
	upgrade := resp.Header["Upgrade"]
	clean(resp.Header)
	cleanTrailer(resp.Trailer)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Header["Connection"], resp.Header["Upgrade"] = []string{"Upgrade"}, upgrade
		delete(resp.Header, "Content-Length")
	}
	if _, ok := resp.Header["Content-Type"]; !ok {
		e.Header()["Content-Type"] = nil // or net/http would guess one
	}
	return nil
}

// clean removes from an answer what is not for the service to say: headers of
// the connection, our own cookies, and what would bind browsers to how the
// front door is reached.
func clean(h http.Header) {
	for key := range h {
		if hopByHop(key) || key == "Strict-Transport-Security" || key == "Alt-Svc" {
			delete(h, key)
		}
	}
	if cookies := h["Set-Cookie"]; slices.ContainsFunc(cookies, isOwn) {
		h["Set-Cookie"] = slices.DeleteFunc(cookies, isOwn)
	}
}

// cleanTrailer removes what may not come after a body (RFC 9110 section 6.5.1).
func cleanTrailer(h http.Header) {
	clean(h)
	for key := range h {
		if !httpguts.ValidTrailerHeader(key) {
			delete(h, key)
		}
	}
}

// head waits for the whole head of an answer and returns it unread. It is valid
// until the next read.
func (c *backConn) head() ([]byte, error) {
	for {
		have, _ := c.in.Peek(c.in.Buffered())
		if begin := have[:min(len(have), len(protocol))]; string(begin) != protocol[:len(begin)] {
			return nil, fmt.Errorf("%w: it is no HTTP", errBadAnswer)
		}
		if end := endOfHead(have); end > 0 {
			return have[:end], nil
		}
		if len(have) == c.in.Size() {
			if len(have) >= maxAnswerHead {
				return nil, fmt.Errorf("%w: its head is too large", errBadAnswer)
			}
			c.grow(have)
		}
		_, err := c.in.Peek(len(have) + 1)
		switch {
		case err == nil:
		case len(have) == 0:
			return nil, noAnswerError{err}
		default:
			return nil, fmt.Errorf("%w: its head breaks off: %w", errBadAnswer, err)
		}
	}
}

// protocol is how each answer begins.
const protocol = "HTTP/"

// endOfHead returns the length of the head at the start of b, or 0.
func endOfHead(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0
		}
		from += i + 1
		switch rest := b[from:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return from + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return from + 2
		}
	}
}
