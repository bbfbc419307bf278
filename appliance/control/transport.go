// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sys/unix"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
)

// newHTTPClient returns a client whose every connection goes to the socket.
// The time for "100 Continue" is long, because it is what tells a push that
// the agent refuses it before any byte is sent.
func newHTTPClient(socket string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		return conn, dialProblem(socket, err)
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, ExpectContinueTimeout: time.Minute, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func dialProblem(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return &problem.Problem{
			Code: "agent-not-running", Kind: problem.Unavailable,
			What: "the agent is not running on this machine",
			Why:  "nobody answers at " + socket,
			Next: []string{"sudo systemctl start coopkit-agent", "coopkit agent run", "name its socket with --socket if it is another"},
			Err:  err,
		}
	case errors.Is(err, fs.ErrPermission):
		return &problem.Problem{
			Code: "agent-not-allowed", Kind: problem.Forbidden,
			What: "you may not talk to the agent",
			Why:  "only root and members of the group of " + socket + " may",
			Next: []string{"run the command with sudo", "or let your account in: sudo usermod -aG coopkit $USER, then sign in again"},
			Err:  err,
		}
	}
	return err
}

// call makes one request and decodes its answer. A body that is an io.Reader
// goes out as it is, anything else as JSON.
func call[T any](ctx context.Context, c *Client, method, path string, q url.Values, body any) (T, error) {
	var v T
	resp, err := c.send(ctx, method, path, q, body) //nolint:bodyclose // drop closes it
	if err != nil {
		return v, err
	}
	defer drop(resp.Body)
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return v, lost(ctx, err)
	}
	return v, nil
}

// stream makes a request whose answer is read as it comes. When read is
// through, the trailer says whether the agent came to the end.
func (c *Client) stream(ctx context.Context, path string, q url.Values, read func(io.Reader) error) error {
	resp, err := c.send(ctx, "GET", path, q, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body := &watched{Reader: resp.Body}
	if err := read(body); err != nil {
		if body.err != nil {
			return lost(ctx, body.err)
		}
		return err
	}
	if t := resp.Trailer.Get(problemTrailer); t != "" {
		return decodeProblem([]byte(t))
	}
	return nil
}

// eachLine calls each for every event of an NDJSON stream.
func eachLine(body io.Reader, each func(appliance.JobEvent) error) error {
	d := json.NewDecoder(body)
	for {
		var e appliance.JobEvent
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
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
func (c *Client) send(ctx context.Context, method, path string, q url.Values, body any) (*http.Response, error) {
	req, err := request(ctx, method, path, q, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req) //nolint:gosec // every request goes to the socket
	if err != nil {
		return nil, lost(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer drop(resp.Body)
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, lost(ctx, err)
	}
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != rfc9457.ContentType {
		return nil, unexpectedAnswer(fmt.Errorf("answer %s of type %q", resp.Status, resp.Header.Get("Content-Type")))
	}
	return nil, decodeProblem(data)
}

func request(ctx context.Context, method, path string, q url.Values, body any) (*http.Request, error) {
	var r io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r, contentType = b, typeTar
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		r, contentType = bytes.NewReader(data), typeJSON
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, r) //nolint:gosec // the host is a word: every request goes to the socket
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.URL.RawQuery = q.Encode()
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if contentType == typeTar {
		req.Header.Set("Expect", "100-continue")
	}
	return req, nil
}

func drop(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxBody)) // so that the connection can be used again
	_ = body.Close()
}

func decodeProblem(data []byte) error {
	var d rfc9457.Document
	if err := json.Unmarshal(data, &d); err != nil {
		return unexpectedAnswer(fmt.Errorf("decode problem: %w", err))
	}
	if d.Code == "" {
		return unexpectedAnswer(errors.New("decode problem: it has no code"))
	}
	return d.Problem()
}

func unexpectedAnswer(err error) error {
	return &problem.Problem{
		Code: "agent-answer-unexpected", Kind: problem.Failed,
		What: "the agent gave an answer that this command does not understand",
		Why:  "the two may be of different versions, or a name in the command is not one",
		Next: []string{"compare “coopkit version” with “coopkit status”", "restart the agent: sudo systemctl restart coopkit-agent"},
		Err:  err,
	}
}

// lost says what an error of the connection means. The caller's own end of ctx
// and Problems stay what they are.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	return &problem.Problem{
		Code: "agent-went-away", Kind: problem.Unavailable,
		What: "the agent went away in the middle of the request",
		Why:  "it may have been stopped or restarted; a change that had begun goes on when it is back",
		Next: []string{"coopkit status", "coopkit job list"}, Err: err,
	}
}
