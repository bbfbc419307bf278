// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coopkit/internal/localrpc"
	"coopkit/internal/problem"
)

// library is a program with a call of every sort.
type library struct{ books []string }

type loan struct {
	Title string `json:"title"`
	Days  int    `json:"days"`
	Quiet bool   `json:"quiet"`
}

func (l *library) find(_ context.Context, p loan) (loan, error) {
	if p.Days > 30 {
		return loan{}, &problem.Problem{Code: "too-long", Kind: problem.Invalid, What: "too long", Next: []string{"less"}, Err: errors.New("private")}
	}
	return p, nil
}

func (l *library) all(context.Context) ([]string, error) { return l.books, nil }

func (l *library) drop(_ context.Context, title string) error {
	l.books = slices.DeleteFunc(l.books, func(b string) bool { return b == title })
	return nil
}

func (l *library) read(_ context.Context, title string, w io.Writer) error {
	if _, err := io.WriteString(w, "once "+title); err != nil {
		return err
	}
	return &problem.Problem{Code: "page-missing", What: "a page is missing", Next: []string{"imagine it"}}
}

func (l *library) list(_ context.Context, _ localrpc.None, each func(loan) error) error {
	return errors.Join(each(loan{Title: "a"}), each(loan{Title: "b"}))
}

func (l *library) receive(_ context.Context, title string, r io.Reader) (int, error) {
	l.books = append(l.books, title)
	n, err := io.Copy(io.Discard, r)
	return int(n), err
}

var (
	area = localrpc.Area[*library, *library]{Part: func(l *library) *library { return l }}

	find  = localrpc.Get(&area, "/books/{title}", "Finds.", (*library).find)
	lend  = localrpc.Post(&area, "/loans", "Lends.", (*library).find)
	renew = localrpc.Put(&area, "/loans/{title}", "Renews.", (*library).find)
	all   = localrpc.Get(&area, "/books", "All.", localrpc.Bare((*library).all))
	drop  = localrpc.Delete(&area, "/books/{title}", "Drops.", localrpc.Silent((*library).drop))
	photo = localrpc.Download(&area, "/books/{title}/photo", "Shows.", (*library).read)
	read  = localrpc.Text(&area, "/books/{title}/text", "Reads.", (*library).read)
	list  = localrpc.Lines(&area, "/loans/list", "Lists.", (*library).list)
	put   = localrpc.Upload(&area, "/shelf/{title}", "Receives.", (*library).receive)
)

// serve runs a library at a socket until the test ends.
func serve(t *testing.T, routes []localrpc.Route[*library]) *localrpc.Client {
	t.Helper()
	socket := filepath.Join(shortDir(t), "s")
	ln, err := localrpc.Listen(socket, 0o600, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	h := localrpc.Server[*library]{Program: "library", Log: slog.New(slog.DiscardHandler), Routes: routes}.Handler(&library{})
	go func() { ended <- localrpc.Serve(ctx, ln, h, context.Canceled) }()
	c := localrpc.NewClient(socket, localrpc.Faults{})
	t.Cleanup(func() {
		c.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rpc") //nolint:usetesting // t.TempDir is longer than a socket path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestCalls_ofEverySort(t *testing.T) {
	c, ctx := serve(t, area.Routes), t.Context()
	want := loan{Title: "sea / and ñ?", Days: 3, Quiet: true}
	for name, call := range map[string]localrpc.Call[loan, loan]{"path and query": find, "body": lend, "path and body": renew} {
		if got, err := call.Do(ctx, c, want); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if n, err := put.Do(ctx, c, "sea", strings.NewReader("salt")); err != nil || n != 4 {
		t.Errorf("upload: %d, %v", n, err)
	}
	if got, err := all.Do(ctx, c, localrpc.None{}); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := drop.Do(ctx, c, "sea"); err != nil {
		t.Error(err)
	}
	if got, err := all.Do(ctx, c, localrpc.None{}); err != nil || got == nil || len(got) != 0 {
		t.Errorf("an empty list came as %#v, %v", got, err)
	}
	var titles string
	if err := list.Do(ctx, c, localrpc.None{}, func(l loan) error { titles += l.Title; return nil }); err != nil || titles != "ab" {
		t.Errorf("lines: %q, %v", titles, err)
	}
}

func TestCalls_problemsCrossTheSocketWithoutTheirCause(t *testing.T) {
	c := serve(t, area.Routes)
	_, err := lend.Do(t.Context(), c, loan{Days: 31})
	if p := problem.From(err, ""); p.Code != "too-long" || p.Kind != problem.Invalid || len(p.Next) != 1 || p.Err != nil {
		t.Errorf("%+v", p)
	}
	for name, call := range map[string]localrpc.TextCall[string]{"text": read, "file": photo} {
		var b strings.Builder
		if err := call.Do(t.Context(), c, "sea", &b); !errors.Is(err, &problem.Problem{Code: "page-missing"}) || b.String() != "once sea" {
			t.Errorf("after half of the %s: %q, %v", name, b.String(), err)
		}
	}
}

func TestCalls_thatTheServerDoesNotKnow(t *testing.T) {
	c := serve(t, nil)
	if _, err := all.Do(t.Context(), c, localrpc.None{}); !errors.Is(err, &problem.Problem{Code: "request-unknown"}) {
		t.Error(err)
	}
}

func TestClient_faultsAreSaidInTheProgramsWords(t *testing.T) {
	mine := &problem.Problem{Code: "closed", What: "closed", Next: []string{"come back"}}
	gone := filepath.Join(shortDir(t), "none")
	c := localrpc.NewClient(gone, localrpc.Faults{NotRunning: func(error) error { return mine }})
	if _, err := all.Do(t.Context(), c, localrpc.None{}); !errors.Is(err, mine) {
		t.Error(err)
	}
	c = localrpc.NewClient(gone, localrpc.Faults{})
	if _, err := all.Do(t.Context(), c, localrpc.None{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without words: %v", err)
	}
}

func TestListen(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false) // as after kill -9
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	ln, err := localrpc.Listen(path, 0o600, -1)
	if err != nil {
		t.Fatalf("over a dead one: %v", err)
	}
	defer func() { _ = ln.Close() }()
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := localrpc.Listen(path, 0o600, -1); !errors.Is(err, localrpc.ErrInUse) {
		t.Errorf("over a living one: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{file: "socket-path-taken", filepath.Join(dir, strings.Repeat("x", 120)): "socket-path-too-long"} {
		if _, err := localrpc.Listen(path, 0o600, -1); !errors.Is(err, &problem.Problem{Code: code}) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
