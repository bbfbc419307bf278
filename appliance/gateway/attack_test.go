// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"coopkit/internal/hostname"
	"coopkit/internal/lean"
	"coopkit/internal/testkit"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
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

// dial connects from an address, and returns nil when the door does not want
// that, or any more.
func (v *victim) dial(from string, protocols ...string) *tls.Conn {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}}
	raw, err := d.DialContext(v.t.Context(), "tcp", v.addr)
	if err != nil {
		return nil
	}
	v.t.Cleanup(func() { _ = raw.Close() })
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "app.demo.coop", NextProtos: protocols})
	_ = raw.SetDeadline(time.Now().Add(time.Second))
	if err := c.HandshakeContext(v.t.Context()); err != nil {
		return nil
	}
	_ = raw.SetDeadline(time.Time{})
	return c
}

// h2 is a connection on which frames are written by hand, and none is read.
type h2 struct {
	c    *tls.Conn
	buf  bytes.Buffer
	fr   *http2.Framer
	head bytes.Buffer
	enc  *hpack.Encoder
	next uint32
}

func (v *victim) h2(from string, window uint32) *h2 {
	c := v.dial(from, "h2")
	if c == nil {
		return nil
	}
	h := &h2{c: c, next: 1}
	h.fr = http2.NewFramer(&h.buf, nil)
	h.enc = hpack.NewEncoder(&h.head)
	h.buf.WriteString(http2.ClientPreface)
	_ = h.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	return h
}

// request begins a stream with a head, and a body if end is not set.
func (h *h2) request(end bool, fields ...string) uint32 {
	h.head.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		_ = h.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	id, block := h.next, h.head.Bytes()
	first := min(len(block), 16<<10)
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:first], EndHeaders: first == len(block), EndStream: end})
	for block = block[first:]; len(block) > 0; block = block[first:] {
		first = min(len(block), 16<<10)
		_ = h.fr.WriteContinuation(id, first == len(block), block[:first])
	}
	h.next += 2
	return id
}

// send writes what was made; an attacker does not mind failures.
func (h *h2) send() {
	_ = h.c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	_, _ = h.c.Write(h.buf.Bytes())
	h.buf.Reset()
}

// attacks are what strangers can hold of the door. Each returns when it has one
// connection's worth, or as much as it gets.
var attacks = map[string]func(v *victim, from string){
	"indexed cookies":          func(v *victim, from string) { v.cookies(from, 4) },
	"too many indexed cookies": func(v *victim, from string) { v.cookies(from, 9) },
	"bodies that do not end": func(v *victim, from string) {
		h := v.h2(from, 1<<20)
		if h == nil {
			return
		}
		for range 60 {
			id := h.request(false, ":method", "POST", ":scheme", "https", ":authority", "app.demo.coop", ":path", "/", "content-length", "50000000")
			_ = h.fr.WriteData(id, false, make([]byte, 4<<10))
		}
		h.send()
	},
	"answers that nobody reads": func(v *victim, from string) {
		for _, host := range []string{"app.demo.coop", "site.demo.coop"} {
			if c := v.dial(from, "http/1.1"); c != nil {
				_, _ = io.WriteString(c, "GET /"+map[string]string{"app.demo.coop": "big", "site.demo.coop": "big.bin"}[host]+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			}
		}
	},
	"heads that do not end": func(v *victim, from string) {
		if c := v.dial(from, "http/1.1"); c != nil {
			var head strings.Builder
			head.WriteString("GET / HTTP/1.1\r\nHost: site.demo.coop\r\n")
			for i := range 4000 {
				head.WriteString(strconv.FormatInt(int64(i), 36) + ":\r\n")
			}
			_, _ = io.WriteString(c, head.String())
		}
	},
	"pings whose answers nobody reads": func(v *victim, from string) {
		h := v.h2(from, 1<<30)
		if h == nil {
			return
		}
		h.request(true, ":method", "GET", ":scheme", "https", ":authority", "site.demo.coop", ":path", "/big.bin")
		_ = h.fr.WriteWindowUpdate(0, 1<<30)
		h.send()
		for range 9000 {
			_ = h.fr.WritePing(false, [8]byte{})
		}
		h.send()
	},
	"idle connections": func(v *victim, from string) { v.dial(from, "http/1.1") },
}

// cookies sends requests in which one indexed byte on the wire is a cookie of
// 3.5 KB, and opens no window for the answers.
func (v *victim) cookies(from string, many int) {
	h := v.h2(from, 0)
	if h == nil {
		return
	}
	fields := []string{":method", "GET", ":scheme", "https", ":authority", "site.demo.coop", ":path", "/"}
	for range many {
		fields = append(fields, "cookie", strings.Repeat("c", 3500))
	}
	for range 250 {
		h.request(true, fields...)
	}
	h.send()
}

// TestGateway_holdsLittleForStrangers: everything that strangers can hold at a
// time, from eight addresses, leaves memory, the site and the app to others.
func TestGateway_holdsLittleForStrangers(t *testing.T) {
	v := startVictim(t)
	t.Logf("at rest: %d MiB", v.peak())
	for name, attack := range attacks {
		done := make(chan struct{})
		for i := range 8 {
			go func() {
				for range 30 {
					attack(v, fmt.Sprintf("127.0.0.%d", 10+i))
				}
				done <- struct{}{}
			}()
		}
		for range 8 {
			<-done
		}
		t.Logf("with %s: %d MiB", name, v.peak())
		for _, host := range []string{"site.demo.coop", "app.demo.coop"} {
			begun := time.Now()
			if err := v.visit(host); err != nil {
				t.Errorf("with %s, a visitor of %s: %v", name, host, err)
			}
			t.Logf("a visitor of %s waited %v", host, time.Since(begun))
		}
	}
	if peak := v.peak(); peak > 128 {
		t.Errorf("the front door took %d MiB", peak)
	}
}

// visit asks for the first page of a host on a connection of its own.
func (v *victim) visit(host string) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, v.addr)
		},
	}}
	resp, err := client.Get("https://" + host + "/")
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return err
}
