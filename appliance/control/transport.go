// SPDX-License-Identifier: AGPL-3.0-or-later

package control

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

// client makes requests to one agent.
type client struct{ http *http.Client }

// Media types and header names that both ends use.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
	typeText  = "text/plain; charset=utf-8"
	typeTar   = "application/x-tar"

	// problemTrailer carries the problem of a stream that had already begun.
	problemTrailer = "Coopkit-Problem"
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

// decode makes a request and decodes its answer into v.
func (c *client) decode(ctx context.Context, q request, v any) error {
	resp, err := c.send(ctx, q) //nolint:bodyclose // drop closes it
	if err != nil {
		return err
	}
	defer drop(resp.Body)
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return lost(ctx, err)
	}
	return nil
}

// stream makes a request whose answer is read as it comes. When read is
// through, the trailer says whether the agent came to the end.
func (c *client) stream(ctx context.Context, q request, read func(io.Reader) error) error {
	resp, err := c.send(ctx, q)
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
func (c *client) send(ctx context.Context, q request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, "http://agent"+q.path, q.body) //nolint:gosec // the host is a word: every request goes to the socket
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.URL.RawQuery = q.query.Encode()
	if q.contentType != "" {
		req.Header.Set("Content-Type", q.contentType)
	}
	if q.contentType == typeTar {
		req.Header.Set("Expect", "100-continue")
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
