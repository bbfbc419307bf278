// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// settle is how long visitors that were let in have to say what they want,
// before the servers stop: one that is told to stop hangs up on those that it
// has not heard yet.
const settle = 300 * time.Millisecond

// pausable is a listener that can stop to let visitors in before it is closed.
// Where systemd holds the socket too, they wait outside for the next agent.
type pausable struct {
	net.Listener
	closed chan struct{}
	once   sync.Once
}

func newPausable(l net.Listener) *pausable {
	return &pausable{Listener: l, closed: make(chan struct{})}
}

// Accept waits for Close once the listener is paused.
func (p *pausable) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		<-p.closed
	}
	return conn, err
}

// Close closes the listener; it may be called more than once.
func (p *pausable) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Listener.Close()
}

// pause lets nobody in any more.
func (p *pausable) pause() {
	if l, ok := p.Listener.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = l.SetDeadline(time.Unix(1, 0)) // it fails only when the listener is closed
	}
}

// pause stops letting visitors in, where somebody else keeps the door for the
// next agent, and hears those that are in.
func (g *Gateway) pause(ctx context.Context) {
	paused := false
	for _, l := range []net.Listener{g.httpsLn, g.httpLn} {
		if p, ok := l.(*pausable); ok {
			p.pause()
			paused = true
		}
	}
	if !paused {
		return
	}
	select {
	case <-time.After(settle):
	case <-ctx.Done():
	}
}
