// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"net"
	"syscall"

	"coopkit/internal/portholder"
	"coopkit/internal/problem"
)

// Listen opens the listeners, so that a port that cannot be had is known
// before anything is served: the Problem "port-taken" names the program that
// holds it. Calling it again changes nothing.
func (g *Gateway) Listen() error {
	if g.httpsLn != nil {
		return nil
	}
	httpsLn, err := listen(g.cfg.HTTPSListener, g.cfg.HTTPS)
	if err != nil {
		return err
	}
	if g.cfg.HTTP != "" || g.cfg.HTTPListener != nil {
		if g.httpLn, err = listen(g.cfg.HTTPListener, g.cfg.HTTP); err != nil {
			_ = httpsLn.Close()
			return err
		}
	}
	g.httpsLn = httpsLn
	if g.publicPort = g.cfg.PublicHTTPSPort; g.publicPort == 0 {
		g.publicPort = portOf(httpsLn)
	}
	// A browser keeps HSTS for the default port only in a sense that helps; a
	// local CA must never be made permanent by it.
	g.hsts = g.cfg.Issuer.Kind == IssuerACME && g.publicPort == 443
	g.certs.listening(g.httpLn, g.httpsLn)
	return nil
}

// listen returns given, or opens addr.
func listen(given net.Listener, addr string) (net.Listener, error) {
	if given != nil {
		return newPausable(given), nil
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err == nil {
		return l, nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, portTaken(addr, err)
	}
	p := &problem.Problem{
		Code: "port-not-opened", Kind: problem.Failed,
		What: "the front door could not open " + addr,
		Next: []string{"choose another address to listen on", "coopkit doctor"},
		Err:  err,
	}
	if errors.Is(err, syscall.EACCES) {
		p.Why = "the agent may not open ports below 1024"
		p.Next = []string{"run the agent as its system service, which may", "choose a port above 1023"}
	}
	return nil, p
}

// portTaken names the program that has the port.
func portTaken(addr string, err error) error {
	p := &problem.Problem{
		Code: "port-taken", Kind: problem.Conflict,
		What: "the front door cannot have " + addr + ", because another program has it",
		Next: []string{"stop the other program, then start the agent again", "choose another port for the agent"},
		Err:  err,
	}
	if who := portholder.Holder("tcp", addr); who != "" {
		p.Why = who + " listens there"
	}
	return p
}

// portOf returns the TCP port of l, or 0 when it is not TCP.
func portOf(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}
