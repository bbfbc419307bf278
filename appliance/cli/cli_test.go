// SPDX-License-Identifier: AGPL-3.0-or-later

package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/cli"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/control"
	"coopkit/appliance/engine/enginetest"
	"coopkit/desk/desktest"
	"coopkit/internal/deliver"
	"coopkit/internal/deliver/delivertest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coopkit": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, extra)) //nolint:forbidigo // it is main
	}})
}

// extra stands for the verbs that another part brings to a noun.
func extra(env *base.Env) *cobra.Command {
	noun := &cobra.Command{Use: "recipe"}
	noun.AddCommand(&cobra.Command{
		Use: "count", Short: "Count to three", Example: "  coopkit recipe count", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return env.Say("one two three\n") },
	})
	return noun
}

// fakeKey is where a script's environment keeps its agent.
type fakeKey struct{}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         t.TempDir(), // testscript leaves its own when a run picks other scripts
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup(desktest.New(t)),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"fake":  fake,
		},
	})
}

// setup starts an agent of its own for each script. Apps say the same lines.
func setup(desk *desktest.Desk) func(*testscript.Env) error {
	return func(e *testscript.Env) error {
		box, err := agenttest.Start()
		if err != nil {
			return err
		}
		e.Defer(func() {
			if err := box.Stop(); err != nil {
				e.T().Log(err)
			}
		})
		box.Engine.Behave("app", enginetest.Behaviour{Logs: []string{"ready to serve", "GET / 200", "GET /about 200"}})
		e.Values[fakeKey{}] = box
		if err := around(e, e.Getenv("WORK")); err != nil {
			return err
		}
		e.Setenv("COOPKIT_SOCKET", box.Socket)
		e.Setenv("INVITATION", desk.Invite(false).String())
		e.Setenv("SECOND", desk.Invite(false).String())
		e.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise each command waits a second when it ends
		e.Setenv("TZ", "UTC")
		e.Setenv("TERM", "xterm")
		return nil
	}
}

// postKey is where a script's environment keeps its mail server.
type postKey struct{}

// around starts what messages of the script's box reach: a mail server, and a
// receiver of webhooks.
func around(e *testscript.Env, dir string) error {
	post, err := delivertest.Start(dir, deliver.None, true)
	if err != nil {
		return err
	}
	e.Defer(post.Stop)
	e.Values[postKey{}] = post
	e.Setenv("RELAY_HOST", post.Relay().Host)
	e.Setenv("RELAY_PORT", strconv.Itoa(post.Relay().Port))
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	e.Defer(receiver.Close)
	e.Setenv("RECEIVER", receiver.URL)
	return nil
}

// exits runs a command and checks its exit code: exits <code> <command> …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits <code> <command> …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("run: %v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d; want %d", got, want)
	}
}

// fake tells what is around the script's agent what to do.
func fake(ts *testscript.TestScript, neg bool, args []string) {
	box, ok := ts.Value(fakeKey{}).(*agenttest.Box)
	if !ok || neg || len(args) == 0 {
		ts.Fatalf("usage: fake <verb> …")
	}
	trouble := &problem.Problem{
		Code: "registry-unreachable", Kind: problem.Unavailable, What: "the images cannot be fetched",
		Why: "registry.example does not answer", Next: []string{"try it with --images debian"},
	}
	switch verb, request := args[0], strings.Join(args[1:], " "); verb {
	case "fail":
		box.Fail(request, trouble)
	case "mend":
		box.Fail(request, nil)
	case "desk":
		deskIs(box, appliance.DeskState(args[1]), trouble)
	case "break":
		box.Fail(request, errors.New("a wire came loose"))
	case "no-images":
		box.FailImages(trouble)
	case "images":
		box.FailImages(nil)
	case "fail-next":
		box.Engine.FailNext(args[1], trouble)
	case "hold":
		box.Hold()
	case "release":
		box.Release()
	case "await-follower":
		await(ts, func() bool { return box.Following() > 0 })
	case "start":
		box.Unlooked()
	case "note": // the first step of the first job
		agenttest.Change(box, "GET /v1/jobs/1", func(j *appliance.Job) {
			j.Steps[0].Notes = []appliance.Note{{Code: appliance.NoteNameUnchecked, Args: map[string]string{"name": args[1]}}}
		})
	case "welcome":
		box.Welcome(args[1:]...)
	case "code":
		post, ok := ts.Value(postKey{}).(*delivertest.Post)
		letters := post.Letters()
		if !ok || len(letters) == 0 {
			ts.Fatalf("no mail arrived")
		}
		_, code, _ := strings.Cut(letters[len(letters)-1].Body, "code: ")
		code, _, _ = strings.Cut(code, "\n")
		ts.Setenv("CODE", code)
	case "find":
		box.Find(findings(args[1:])...)
	case "console":
		box.Answer("POST /v1/console/tokens", appliance.ConsoleAccess{URL: "https://box.example:8420/setup", Token: "7c3d-9f21-4be8", Expires: agenttest.Began.Add(time.Hour)})
		box.Answer("POST /v1/metrics/access", appliance.MetricsToken{URL: "https://box.example:8420/metrics", Token: "coopkit_metrics_x"})
		box.Answer("GET /v1/metrics/access", appliance.MetricsAccess{Allowed: true, URL: "https://box.example:8420/metrics", Since: agenttest.Began})
	default:
		ts.Fatalf("fake: unknown verb %s", verb)
	}
}

// deskIs puts the link to the desk into a state.
func deskIs(box *agenttest.Box, state appliance.DeskState, trouble *problem.Problem) {
	agenttest.Change(box, "GET /v1/desk", func(l *appliance.DeskLink) {
		l.State, l.LastSent, l.Problem = state, agenttest.Began, trouble
		if state == appliance.DeskLinked {
			l.Problem = nil
		}
	})
}

func await(ts *testscript.TestScript, ok func() bool) {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			ts.Fatalf("nobody follows")
		}
	}
}

func findings(severities []string) []appliance.Finding {
	var all []appliance.Finding
	for _, name := range severities {
		var s appliance.Severity
		_ = s.UnmarshalText([]byte(name)) // it never fails
		all = append(all, appliance.Finding{
			Code: "DISK-NEARLY-FULL", Subject: "disk:/", Severity: s,
			What: "members cannot save files in three days", Why: "the disk is 94 % full",
			Next: []string{"remove what is not needed"}, Who: appliance.You, Since: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		})
	}
	return all
}

// TestTree_everyCommandHelps: what a person reads first is there for each.
func TestTree_everyCommandHelps(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if !strings.Contains(cmd.Long, "Exit codes:") {
			t.Errorf("%s: its help does not end with the exit codes", path)
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short help %q", path, cmd.Short)
		}
		ours := !strings.HasPrefix(path, "coopkit completion") && !strings.HasPrefix(path, "coopkit help")
		if ours && !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s: no example", path)
		}
		if ours && !cmd.HasSubCommands() && cmd.Args == nil {
			t.Errorf("%s: does not check its arguments", path)
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(cli.New(base.New(nil, nil, nil, os.Getenv)))
}

// TestFollow_outlivesARestartOfTheAgent: the agent goes away and comes back
// while a job is watched.
func TestFollow_outlivesARestartOfTheAgent(t *testing.T) {
	dir, err := os.MkdirTemp("", "ck") //nolint:usetesting // t.TempDir is longer than a socket path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "c.sock")
	box := agenttest.New(t)
	box.Hold()
	job, err := box.Agent().Recipes.RefreshImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := func() (stop func()) {
		ln, err := control.Listen(socket, -1)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- control.Serve(ctx, ln, control.Handler(box.Agent(), slog.New(slog.DiscardHandler))) }()
		return func() {
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
	}
	stop := run()
	var out, errOut lockedBuilder
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(t.Context(), []string{"--socket", socket, "job", "follow", strconv.Itoa(int(job.ID))}, nil, &out, &errOut)
	}()
	testkit.Eventually(t, 10*time.Second, "nobody follows", func() bool { return box.Following() == 1 })
	stop()
	testkit.Eventually(t, 10*time.Second, "nobody is told why nothing happens", func() bool { return strings.Contains(out.String(), "The agent has gone") })
	stop = run()
	defer func() { stop() }()
	box.Release()
	if got := <-code; got != 0 {
		t.Fatalf("exit code %d: %s%s", got, out.String(), errOut.String())
	}
	if n := strings.Count(out.String(), "rebuild what they change … done"); n != 1 {
		t.Errorf("the first step is told %d times:\n%s", n, out.String())
	}
}

// lockedBuilder is a strings.Builder that can be read while it is written.
type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
