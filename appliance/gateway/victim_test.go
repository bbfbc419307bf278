// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"coopkit/internal/hostname"
	"coopkit/internal/lean"
	"coopkit/internal/testkit"
)

// victimEnv, in the environment of this test binary, makes it a front door and
// nothing else: the memory of that process is the gateway's alone.
const victimEnv = "COOPKIT_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := beVictim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	m.Run()
}

// beVictim serves a site and a service until its standard input ends.
func beVictim(dir string) error {
	lean.Set()
	lean.Limit(96 << 20)
	target, err := netip.ParseAddrPort(os.Getenv(victimEnv + "_TARGET"))
	if err != nil {
		return err
	}
	g, err := New(Config{HTTPS: "127.0.0.1:0", Storage: filepath.Join(dir, "certs"), Issuer: IssuerConfig{Kind: IssuerLocal}}, Deps{Log: discard})
	if err != nil {
		return err
	}
	g.SetRoutes([]Route{
		{Host: "app.demo.coop", Kind: Service, Target: target},
		{Host: "site.demo.coop", Kind: Site, Root: filepath.Join(dir, "site")},
	})
	if err := g.Listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for _, host := range []string{"app.demo.coop", "site.demo.coop"} {
			if err := g.WaitCertificate(ctx, hostname.Name(host)); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		_, _ = fmt.Fprintln(os.Stdout, g.Addrs().HTTPS)
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return g.Run(ctx)
}

// victim is a front door in a process of its own, with an app behind it that
// has as many workers as a small one.
type victim struct {
	t    *testing.T
	addr string
	pid  int
}

const appWorkers = 16

func startVictim(t *testing.T) *victim {
	t.Helper()
	dir := t.TempDir()
	for name, size := range map[string]int{"index.html": 1 << 10, "big.bin": 32 << 20} {
		if err := os.MkdirAll(filepath.Join(dir, "site"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "site", name), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	workers := make(chan struct{}, appWorkers)
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/ws") {
			webSocketApp(w, r)
			return
		}
		select {
		case workers <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		defer func() { <-workers }()
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/big" {
			_, _ = w.Write(make([]byte, 32<<20))
		}
		_, _ = w.Write([]byte("ok"))
	})
	program := os.Args[0]
	if testkit.Race { // which would be measured, too
		program = filepath.Join(dir, "victim.test")
		if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^$")
	cmd.Env = append(os.Environ(), victimEnv+"="+dir, victimEnv+"_TARGET="+app.String())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill() // visitors hold connections: it would drain for long
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &victim{t, strings.TrimSpace(line), cmd.Process.Pid}
}

// webSocketApp answers without a worker, as an app that has WebSockets does.
func webSocketApp(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ws/never" {
		<-r.Context().Done()
		return
	}
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	for err == nil && r.URL.Path == "/ws/much" {
		_, err = conn.Write(make([]byte, 64<<10))
	}
	_, _ = io.Copy(io.Discard, in)
}

// peak is the most memory that the process ever had, in MiB.
func (v *victim) peak() int {
	v.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.pid))
	if err != nil {
		v.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				v.t.Fatal(err)
			}
			return kib >> 10
		}
	}
	v.t.Fatal("no VmHWM")
	return 0
}
