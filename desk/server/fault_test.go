// SPDX-License-Identifier: AGPL-3.0-or-later

package server_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/desktest"
	"coopkit/desk/wire"
)

// copyDesk returns a copy of the desk's records, taken while it stands still.
func copyDesk(t *testing.T, d *desktest.Desk) string {
	t.Helper()
	to := t.TempDir()
	d.Stop()
	copyFiles(t, filepath.Dir(d.Path), to)
	d.Start()
	return to
}

// putBack replaces the desk's records by a copy.
func putBack(t *testing.T, d *desktest.Desk, from string) {
	t.Helper()
	d.Stop()
	copyFiles(t, from, filepath.Dir(d.Path))
	d.Start()
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

const childEnv = "COOPKIT_TEST_DESK"

// TestChildDesk is the desk that TestReport_killedDeskLosesNothing kills: it
// runs in a process of its own, until then.
func TestChildDesk(t *testing.T) {
	dir, addr, found := strings.Cut(os.Getenv(childEnv), " ")
	if !found {
		return // this is the whole test run, not the child
	}
	desktest.New(t, desktest.In(dir), desktest.Listen(addr))
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the parent is gone
}

// startChild starts the desk in another process and returns how to kill it.
func startChild(t *testing.T, dir, addr string) (kill func()) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildDesk$")
	c.Env = append(os.Environ(), childEnv+"="+dir+" "+addr)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		if err := c.Process.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		_ = c.Wait() // it says that it was killed
	})
	t.Cleanup(kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "ready" {
			return kill
		}
	}
	t.Fatal("the child desk did not start")
	return nil
}

// sent is what a box remembers of what the desk acknowledged.
type sent struct {
	box    *desktest.Box
	bodies [][]byte
}

// sendUntil sends reports until the desk is gone, though not more than a box may
// at once, and remembers those that were acknowledged.
func (s *sent) sendUntil(t *testing.T, acked chan<- struct{}) {
	t.Helper()
	for range 90 {
		body, err := s.box.Report(desktest.Sample(float64(len(s.bodies))), finding(len(s.bodies)))
		if err != nil {
			t.Error(err)
			return
		}
		_, a, err := s.box.SendBody(t.Context(), body)
		if err != nil {
			return
		}
		if a.Status != http.StatusOK {
			t.Errorf("the desk said %d %s", a.Status, a.Body)
			return
		}
		s.bodies = append(s.bodies, body)
		acked <- struct{}{}
	}
}

func finding(n int) wire.Entry {
	return wire.Entry{Finding: &wire.Finding{FindingName: wire.FindingName{Code: "DISK-NEARLY-FULL", Subject: fmt.Sprint(n % 5)}, Severity: []string{"notice", "warning"}[n%2], What: "The disk is nearly full"}}
}

func TestReport_killedDeskLosesNothing(t *testing.T) {
	dir := t.TempDir()
	d := desktest.New(t, desktest.In(dir))
	senders := make([]*sent, 16)
	for i := range senders {
		senders[i] = &sent{box: d.Join(d.Invite(true))}
	}
	addr := strings.TrimPrefix(d.URL(), "https://")
	d.Stop()
	for round := range 3 {
		kill := startChild(t, dir, addr)
		acked := make(chan struct{}, 90*len(senders))
		var wg sync.WaitGroup
		for _, s := range senders {
			wg.Go(func() { s.sendUntil(t, acked) })
		}
		deadline := time.After(time.Minute)
		for range 300 + 100*round {
			select {
			case <-acked:
			case <-deadline:
				t.Fatal("the desk is too slow")
			}
		}
		kill()
		wg.Wait()
		checkStored(t, d, senders)
	}
}

// checkStored compares the senders' memory with the desk's records, and lets
// each box go on.
func checkStored(t *testing.T, d *desktest.Desk, senders []*sent) {
	t.Helper()
	journal := readJournal(t, d.Path)
	d.Start()
	defer d.Stop()
	n := 0
	for _, s := range senders {
		for _, body := range s.bodies {
			if !journal[string(body)] {
				t.Errorf("a report that was acknowledged is not there: %s", body)
			}
		}
		n += len(s.bodies)
		box := d.Box(s.box.ID)
		if box.Entries+1 < s.box.Next || box.State != desk.BoxUp || len(s.bodies) > 5 && len(box.Findings) != 5 {
			t.Errorf("acknowledged up to %d, the desk has %+v", s.box.Next-1, box)
		}
		// What was not acknowledged may be there all the same.
		if box.Entries >= s.box.Next {
			s.catchUp(t, journal)
			continue
		}
		if _, a, err := s.box.Send(t.Context(), desktest.Sample(7)); err != nil || a.Status != http.StatusOK {
			t.Errorf("the box cannot go on: %d %s, %v", a.Status, a.Body, err)
		}
	}
	t.Logf("%d reports were acknowledged and are there", n)
}

// catchUp sends again what the desk stored without the box knowing.
func (s *sent) catchUp(t *testing.T, journal map[string]bool) {
	t.Helper()
	prefix := fmt.Sprintf(`"first":%d,`, s.box.Next)
	for body := range journal {
		if !strings.Contains(body, string(s.box.ID)) || !strings.Contains(body, prefix) {
			continue
		}
		if _, a, err := s.box.SendBody(t.Context(), []byte(body)); err != nil || a.Status != http.StatusOK {
			t.Errorf("the retry: %d %s, %v", a.Status, a.Body, err)
		}
		s.bodies = append(s.bodies, []byte(body))
		return
	}
	t.Errorf("the desk is ahead of the box by a report that it does not have")
}

// readJournal reads the reports behind the desk's back.
func readJournal(t *testing.T, path string) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT body FROM journal`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	bodies := map[string]bool{}
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			t.Fatal(err)
		}
		bodies[string(bytes.Clone(body))] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return bodies
}
