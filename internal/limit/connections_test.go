// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// door is a listener with bounds, and what it let in.
type door struct {
	*Connections
	t     *testing.T
	l     net.Listener
	taken chan net.Conn
}

func open(t *testing.T, all, each int) *door {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewConnections(all, each)
	d := &door{c, t, c.Listen(inner), make(chan net.Conn, 10)}
	go func() {
		defer close(d.taken)
		for {
			c, err := d.l.Accept()
			if err != nil {
				return
			}
			d.taken <- c
		}
	}()
	t.Cleanup(func() {
		_ = d.l.Close()
		for c := range d.taken {
			_ = c.Close()
		}
		if held := d.budget.Held(); held != 0 {
			t.Errorf("%d bytes were not given back", held)
		}
	})
	return d
}

// from connects from an address.
func (d *door) from(address string) net.Conn {
	d.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 10 * time.Second}
	c, err := dialer.DialContext(d.t.Context(), "tcp", d.l.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = c.Close() })
	return c
}

// next is the next connection that is let in.
func (d *door) next() net.Conn {
	d.t.Helper()
	select {
	case c := <-d.taken:
		d.t.Cleanup(func() { _ = c.Close() })
		return c
	case <-time.After(10 * time.Second):
		d.t.Fatal("nobody is let in")
		return nil
	}
}

// busy is the next connection, with a request under way.
func (d *door) busy(address string) (visitor, ours net.Conn) {
	visitor = d.from(address)
	ours = d.next()
	d.State(ours, http.StateActive)
	return visitor, ours
}

// closed reports whether the other side has closed the connection.
func closed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) // what is closed says so at once
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, net.ErrClosed) && !isTimeout(err)
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

func stillOpen(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return err != nil && isTimeout(err)
}

func TestConnections_oneNetworkHasItsShare(t *testing.T) {
	d := open(t, 4, 2)
	_, first := d.busy("127.0.0.2")
	d.busy("127.0.0.2")
	if !closed(d.from("127.0.0.2")) {
		t.Error("a third of one address is let in")
	}
	d.busy("127.0.0.3")
	for range 2 { // to close twice makes one place
		_ = first.Close()
	}
	d.busy("127.0.0.2")
	if !closed(d.from("127.0.0.2")) {
		t.Error("there was a place too many")
	}
}

func TestConnections_newcomersGetThePlaceOfTheLongestIdle(t *testing.T) {
	d := open(t, 3, 3)
	busy, _ := d.busy("127.0.0.2")
	oldest, ours := d.busy("127.0.0.2")
	newer := d.from("127.0.0.3") // has said nothing yet: it is idle, too
	d.next()
	d.State(ours, http.StateIdle)
	d.State(ours, http.StateActive)
	d.State(ours, http.StateIdle) // since now
	d.from("127.0.0.4")
	d.next()
	if !closed(newer) || !stillOpen(oldest) || !stillOpen(busy) {
		t.Error("not the one that was idle longest has left")
	}
	d.from("127.0.0.5")
	d.next()
	if !closed(oldest) || !stillOpen(busy) {
		t.Error("the other idle one has not left")
	}
}

// TestConnections_whoHasJustComeStays: to others with more than it has.
func TestConnections_whoHasJustComeStays(t *testing.T) {
	d := open(t, 4, 4)
	d.busy("127.0.0.2")
	d.busy("127.0.0.2")
	d.busy("127.0.0.2")
	quiet := d.from("127.0.0.3")
	ours := Of(d.next())
	if !closed(d.from("127.0.0.2")) || !stillOpen(quiet) {
		t.Error("one who has much drives one out who has just come")
	}
	d.mu.Lock()
	ours.since = time.Now().Add(-2 * stale)
	d.mu.Unlock()
	d.from("127.0.0.2")
	d.next()
	if !closed(quiet) {
		t.Error("it stays although it was idle for long")
	}
}

func TestConnections_whoHoldsMostMakesRoomWhenNobodyIsIdle(t *testing.T) {
	d := open(t, 4, 3)
	first, _ := d.busy("127.0.0.2")
	second, _ := d.busy("127.0.0.2")
	third, _ := d.busy("127.0.0.2")
	other, _ := d.busy("127.0.0.3")
	d.busy("127.0.0.4")
	if !closed(first) || !stillOpen(second) || !stillOpen(third) || !stillOpen(other) {
		t.Error("the oldest of the network that holds most has to leave")
	}
}

func TestConnections_waitWhenAllHoldTheSame(t *testing.T) {
	d := open(t, 2, 2)
	_, ours := d.busy("127.0.0.2")
	d.busy("127.0.0.3")
	d.from("127.0.0.4")
	testkit.Eventually(t, 10*time.Second, "it waits", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.waiting == 1
	})
	d.State(ours, http.StateIdle)
	if got, _, _ := net.SplitHostPort(d.next().RemoteAddr().String()); got != "127.0.0.4" {
		t.Errorf("%s is let in", got)
	}
}

func TestConnections_nobodyBlocksThoseBehind(t *testing.T) {
	d := open(t, 4, 3)
	d.busy("127.0.0.2")
	d.busy("127.0.0.2")
	d.busy("127.0.0.3")
	d.busy("127.0.0.3")
	if !closed(d.from("127.0.0.2")) {
		t.Error("one whose network holds as much as any other does not leave")
	}
	d.busy("127.0.0.4")
}

func TestConnections_closeEndsTheWaiting(t *testing.T) {
	d := open(t, 1, 1)
	d.busy("127.0.0.2")
	waits := d.from("127.0.0.3")
	testkit.Eventually(t, 10*time.Second, "it waits", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.waiting == 1
	})
	if err := d.l.Close(); err != nil {
		t.Error(err)
	}
	if !closed(waits) {
		t.Error("it waits for ever")
	}
}

func TestConn_requestsAreChargedToTheirNetwork(t *testing.T) {
	d := open(t, 4, 2)
	_, ours := d.busy("127.0.0.2")
	c := Of(ours)
	if !c.Take(ConnBytes) || c.Take(1) {
		t.Error("the share of a network is two connections' bytes")
	}
	c.Give(ConnBytes)
	idle := d.from("127.0.0.2")
	d.next()
	if !c.Take(1) || !closed(idle) {
		t.Error("an idle connection does not make room for a request of its network")
	}
	c.Give(1)
}

func TestConn_unfinishedHeadsAreCharged(t *testing.T) {
	d := open(t, 4, 2)
	visitor := d.from("127.0.0.2")
	ours := d.next()
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, ours)
		read <- err
	}()
	if _, err := visitor.Write(bytes.Repeat([]byte("a: b\r\n"), 2<<10)); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, errHeads) {
		t.Errorf("12 KiB of one unfinished head are read: %v", err)
	}
	// With a request under way, anything may come: it is a body.
	visitor, ours = d.busy("127.0.0.2")
	go func() {
		_, err := io.Copy(io.Discard, ours)
		read <- err
	}()
	if _, err := visitor.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	_ = visitor.Close()
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestNetwork_isAnAddressOrALine(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "192.0.2.7": "192.0.2.7",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "@",
	} {
		if got := Network(remote); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
}
