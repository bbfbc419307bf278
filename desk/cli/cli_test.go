// SPDX-License-Identifier: AGPL-3.0-or-later

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"coopkit/desk/cli"
	"coopkit/desk/serve"
	"coopkit/internal/problem"
	"coopkit/internal/term"
	"coopkit/internal/testkit"
)

// asProgram makes the test binary the program, for tests with a process of its
// own.
const asProgram = "COOPKIT_TEST_AS_DESK"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		m.Run()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := root(nil, os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		os.Exit(1) //nolint:forbidigo,gocritic // here, this is main
	}
}

// root is a program with the desk's noun and the flag that all of ours have.
func root(in io.Reader, out, errOut io.Writer) *cobra.Command {
	env := term.New(in, out, errOut, func(string) string { return "" })
	cmd := &cobra.Command{Use: "coopkit", SilenceErrors: true, SilenceUsage: true}
	cmd.PersistentFlags().BoolVar(&env.JSON, "json", false, "")
	cmd.AddCommand(cli.New(env))
	return cmd
}

// desk runs one command line on the desk of a state folder.
func desk(t *testing.T, state, in string, args ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := root(bytes.NewBufferString(in), &out, &errOut)
	cmd.SetArgs(append([]string{"desk", "--state", state}, args...))
	err := cmd.ExecuteContext(t.Context())
	if errOut.Len() > 0 {
		t.Errorf("%v says on stderr:\n%s", args, errOut.String())
	}
	return out.String(), err
}

func want(t *testing.T, state string, texts []string, args ...string) string {
	t.Helper()
	out, err := desk(t, state, "", args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%v lacks %q:\n%s", args, text, out)
		}
	}
	return out
}

func refused(t *testing.T, state, code string, args ...string) {
	t.Helper()
	if _, err := desk(t, state, "", args...); !errors.Is(err, &problem.Problem{Code: code}) {
		t.Errorf("%v: got %v, want %s", args, err, code)
	}
}

func everyCommand(t *testing.T, state string) {
	t.Helper()
	want(t, state, []string{"Kestrel Works is added."}, "coop", "add", "kestrel", "Kestrel Works", "--it")
	want(t, state, []string{"Lantern is added."}, "coop", "add", "bakery", "Lantern", "--place", "Bilbao")
	want(t, state, []string{"ID", "bakery", "Bilbao", "IT co-op"}, "coop", "list")
	want(t, state, []string{"/signin/recover", "works once"}, "user", "add", "irati")
	if out, err := desk(t, state, "four words of no use\n", "user", "add", "jonas", "--display", "Jonas Weber", "--coop", "kestrel", "--password-stdin"); err != nil || !strings.Contains(out, "Jonas Weber can sign in as jonas.") {
		t.Errorf("%s %v", out, err)
	}
	want(t, state, []string{"works once"}, "user", "token", "jonas")
	want(t, state, []string{"irati", "coordinator", "Jonas Weber", "technician", "open"}, "user", "list")
	var users []serve.User
	if err := json.Unmarshal([]byte(want(t, state, nil, "user", "list", "--json")), &users); err != nil || len(users) != 2 || users[0].Token != "" {
		t.Errorf("%+v %v", users, err)
	}
	code := want(t, state, []string{"/join#ck1."}, "invite", "--coop", "bakery", "--caretaker", "kestrel", "--valid", "4h", "--confirmed")
	if strings.Count(code, "\n") != 1 {
		t.Errorf("the code is not one line: %q", code)
	}
	var made serve.Invitation
	if err := json.Unmarshal([]byte(want(t, state, nil, "invite", "--coop", "bakery", "--json")), &made); err != nil || made.Code == "" {
		t.Errorf("%+v %v", made, err)
	}
	want(t, state, []string{"No box has joined yet"}, "box", "list")
	want(t, state, []string{"[]"}, "box", "list", "--json")
	refused(t, state, "box-unknown", "box", "confirm", "abcdefghijkl")
	refused(t, state, "coop-unknown", "invite", "--coop", "none")
	refused(t, state, "invitation-too-long", "invite", "--coop", "bakery", "--valid", "25h")
	refused(t, state, "coop-taken", "coop", "add", "bakery", "Lantern")
	refused(t, state, "person-name-taken", "user", "add", "irati")
	refused(t, state, "person-coop-missing", "user", "add", "lena", "--role", "technician")
	refused(t, state, "person-role-unknown", "user", "add", "lena", "--role", "chief")
	refused(t, state, "person-unknown", "user", "token", "lena")
	refused(t, state, "password-missing", "user", "add", "lena", "--password-stdin")
	refused(t, state, "log-level-unknown", "serve", "--log-level", "loud")
	refused(t, state, "desk-period-unusable", "serve", "--period", "10s")
}

func TestCommands_withoutADeskThatRuns(t *testing.T) {
	state := filepath.Join(t.TempDir(), "desk")
	refused(t, state, "desk-missing", "user", "list")
	everyCommand(t, state)
}

// serveProcess starts "desk serve" as a process of its own.
func serveProcess(t *testing.T, state string) (cmd *exec.Cmd, log *bytes.Buffer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log = &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), os.Args[0], "desk", "serve", "--state", state, "--listen", addr, "--url", "https://"+addr)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the desk listens", func() bool {
		c, err := net.Dial("unix", filepath.Join(state, "desk.sock"))
		if err == nil {
			err = c.Close()
		}
		return err == nil
	})
	return cmd, log
}

func TestCommands_besideADeskThatRuns(t *testing.T) {
	state := filepath.Join(t.TempDir(), "desk")
	cmd, log := serveProcess(t, state)
	everyCommand(t, state)
	refused(t, state, "state-in-use", "serve", "--listen", "127.0.0.1:0")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if !strings.Contains(log.String(), "desk ready") {
		t.Errorf("log:\n%s", log)
	}
	want(t, state, []string{"irati", "jonas"}, "user", "list")
}

func TestDesk_killedLeavesASocketThatIsReplaced(t *testing.T) {
	state := filepath.Join(t.TempDir(), "desk")
	cmd, _ := serveProcess(t, state)
	want(t, state, nil, "coop", "add", "bakery", "Lantern")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
	want(t, state, []string{"bakery"}, "coop", "list")
	want(t, state, []string{"/join#ck1."}, "invite", "--coop", "bakery")
}
