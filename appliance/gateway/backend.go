// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// The limits of connections to services.
const (
	dialTimeout    = 5 * time.Second
	idleLife       = 4 * time.Second // below the keep-alive times of common servers (Apache: 5 s)
	idlePerTarget  = 64
	maxAnswerHead  = 1 << 20 // bytes of status line and headers of an answer
	connBufferSize = 4 << 10
)

// backends keeps idle connections to the services, by address. It does not
// follow routes: a swap of the table costs no connection that is still of use.
type backends struct {
	dialer net.Dialer
	mu     sync.Mutex
	idle   map[netip.AddrPort][]*backConn // last used last
	closed bool
}

func newBackends() *backends {
	return &backends{
		dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second},
		idle:   make(map[netip.AddrPort][]*backConn),
	}
}

// backConn is a connection to a service, used by one request at a time.
type backConn struct {
	net.Conn
	in         *bufio.Reader
	out        *bufio.Writer
	beforeRead func() // called before a read that could wait; may be nil
	reused     bool
	idleAt     time.Time
	raw        syscall.RawConn
}

// errUnreachable says that there was no way to connect to a service.
var errUnreachable = errors.New("the service cannot be reached")

// Read reads from the service.
func (c *backConn) Read(b []byte) (int, error) {
	if c.beforeRead != nil {
		c.beforeRead()
	}
	return c.Conn.Read(b)
}

// grow makes room for a larger head; have is what the buffer holds.
func (c *backConn) grow(have []byte) {
	c.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(have)), c), 2*len(have))
}

// get returns an idle connection to the target that is still open and in which
// nothing lies, or dials; with fresh it always dials.
func (b *backends) get(ctx context.Context, target netip.AddrPort, fresh bool) (*backConn, error) {
	for !fresh {
		c := b.pop(target)
		if c == nil {
			break
		}
		if c.quiet() {
			return c, nil
		}
		_ = c.Close()
	}
	conn, err := b.dialer.DialContext(ctx, "tcp", target.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	c := &backConn{Conn: conn}
	if tcp, ok := conn.(*net.TCPConn); ok {
		c.raw, _ = tcp.SyscallConn()
	}
	c.in, c.out = bufio.NewReaderSize(c, connBufferSize), bufio.NewWriterSize(conn, connBufferSize)
	return c, nil
}

// pop removes the idle connection that was used last; older than idleLife, all
// of them are closed, since the others are older still.
func (b *backends) pop(target netip.AddrPort) *backConn {
	b.mu.Lock()
	list := b.idle[target]
	if len(list) == 0 {
		b.mu.Unlock()
		return nil
	}
	c := list[len(list)-1]
	if time.Since(c.idleAt) > idleLife {
		delete(b.idle, target)
		b.mu.Unlock()
		closeAll(list)
		return nil
	}
	list[len(list)-1] = nil
	b.idle[target] = list[:len(list)-1]
	b.mu.Unlock()
	c.reused = true
	return c
}

// put keeps c for the next request.
func (b *backends) put(target netip.AddrPort, c *backConn) {
	c.idleAt = time.Now()
	b.mu.Lock()
	full := b.closed || len(b.idle[target]) >= idlePerTarget
	if !full {
		b.idle[target] = append(b.idle[target], c)
	}
	b.mu.Unlock()
	if full {
		_ = c.Close()
	}
}

// keep closes what is idle for targets that are no longer used.
func (b *backends) keep(targets map[netip.AddrPort]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for target, list := range b.idle {
		if !targets[target] {
			closeAll(list)
			delete(b.idle, target)
		}
	}
}

// sweep closes what has been idle for too long.
func (b *backends) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for target, list := range b.idle {
		old := 0
		for old < len(list) && now.Sub(list[old].idleAt) > idleLife {
			old++
		}
		closeAll(list[:old])
		if old == len(list) {
			delete(b.idle, target)
		} else if old > 0 {
			b.idle[target] = append([]*backConn(nil), list[old:]...)
		}
	}
}

// run sweeps until ctx ends.
func (b *backends) run(ctx context.Context) error {
	tick := time.NewTicker(idleLife)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			b.sweep(now)
		}
	}
}

// close closes what is idle, and everything put back later.
func (b *backends) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.keep(nil)
}

func closeAll(list []*backConn) {
	for _, c := range list {
		_ = c.Close()
	}
}

// quiet looks without waiting whether the service left the connection open and
// sent nothing that nobody asked for: the next visitor would get it.
func (c *backConn) quiet() bool {
	if c.raw == nil || c.in.Buffered() > 0 {
		return false
	}
	var one [1]byte
	var n int
	var readErr error
	err := c.raw.Read(func(fd uintptr) bool {
		n, readErr = syscall.Read(int(fd), one[:])
		return true
	})
	return err == nil && n <= 0 && errors.Is(readErr, syscall.EAGAIN)
}

// stopped reports whether err means that the service closed a connection that
// had been idle, before it could see a new request.
func stopped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}
