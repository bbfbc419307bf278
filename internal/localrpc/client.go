// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
)

// Faults are the program's own words for what keeps a call from being answered.
// What is nil is told as the error that it is.
type Faults struct {
	NotRunning func(error) error // nobody answers at the socket
	NotAllowed func(error) error // this user may not use the socket
	Unexpected func(error) error // the answer is none of ours
	WentAway   func(error) error // the connection broke
}

func say(words func(error) error, err error) error {
	if words == nil {
		return err
	}
	return words(err)
}

// Client makes calls to one program. Make it with NewClient; it is safe for
// concurrent use.
type Client struct {
	http   http.Client
	faults Faults
}

// Media types and header names that both ends use.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
	typeText  = "text/plain; charset=utf-8"
	typeBytes = "application/octet-stream"

	// problemTrailer carries the problem of a stream that had already begun.
	problemTrailer = "Coopkit-Problem"
)

// NewClient returns a client whose every connection goes to the socket. It
// connects when the first call is made. The time for "100 Continue" is long,
// because it is what tells an upload that the program refuses it before any byte
// is sent.
func NewClient(socket string, faults Faults) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
			err = say(faults.NotRunning, err)
		case errors.Is(err, fs.ErrPermission):
			err = say(faults.NotAllowed, err)
		}
		return conn, err
	}
	return &Client{faults: faults, http: http.Client{
		Transport:     &http.Transport{DialContext: dial, ExpectContinueTimeout: time.Minute, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes the connections that no call uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// decode makes a request and decodes its answer into v.
func (c *Client) decode(ctx context.Context, q request, v any) error {
	resp, err := c.send(ctx, q) //nolint:bodyclose // drop closes it
	if err != nil {
		return err
	}
	defer drop(resp.Body)
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return c.lost(ctx, err)
	}
	return nil
}

// stream makes a request whose answer is read as it comes. When read is
// through, the trailer says whether the program came to the end.
func (c *Client) stream(ctx context.Context, q request, read func(io.Reader) error) error {
	resp, err := c.send(ctx, q)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body := &watched{Reader: resp.Body}
	if err := read(body); err != nil {
		if body.err != nil {
			return c.lost(ctx, body.err)
		}
		return err
	}
	if t := resp.Trailer.Get(problemTrailer); t != "" {
		return c.decodeProblem([]byte(t))
	}
	return nil
}

// watched keeps the error of the connection apart from errors of who reads.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// send makes the request; an answer that is not 2xx becomes its Problem.
func (c *Client) send(ctx context.Context, q request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, "http://local"+q.path, q.body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.URL.RawQuery = q.query.Encode()
	if q.contentType != "" {
		req.Header.Set("Content-Type", q.contentType)
	}
	if q.contentType == typeBytes {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer drop(resp.Body)
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != rfc9457.ContentType {
		return nil, say(c.faults.Unexpected, fmt.Errorf("answer %s of type %q", resp.Status, resp.Header.Get("Content-Type")))
	}
	return nil, c.decodeProblem(data)
}

func drop(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxBody)) // so that the connection can be used again
	_ = body.Close()
}

func (c *Client) decodeProblem(data []byte) error {
	var d rfc9457.Document
	if err := json.Unmarshal(data, &d); err != nil {
		return say(c.faults.Unexpected, fmt.Errorf("decode problem: %w", err))
	}
	if d.Code == "" {
		return say(c.faults.Unexpected, errors.New("decode problem: it has no code"))
	}
	return d.Problem()
}

// lost says what an error of the connection means. The caller's own end of ctx
// and Problems stay what they are.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	return say(c.faults.WentAway, err)
}
