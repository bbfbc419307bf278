// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"io"
	"strings"
	"testing"
	"time"
)

// visitorCase is what a visitor sends.
type visitorCase struct {
	conformanceCase
	send    string // raw
	then    string // raw, sent after the first answer
	methods string // of the requests, with spaces; GET where nothing is said
	ends    bool   // the visitor closes its side after that, and reads on
	leaves  bool   // the visitor goes away instead of reading
	service script
}

// sent makes a case of raw bytes and their outcome.
func sent(name, send, want string) visitorCase {
	return visitorCase{conformanceCase: conformanceCase{name: name, want: want}, send: send}
}

// but says what the standard proxy does instead, and why.
func (c visitorCase) but(std, why string) visitorCase {
	c.std, c.why = std, why
	return c
}

// andThen sends more after the first answer.
func (c visitorCase) andThen(raw string) visitorCase { c.then = raw; return c }

// as names the methods, where reading the answers depends on them.
func (c visitorCase) as(methods string) visitorCase { c.methods = methods; return c }

// answered sets the service's answer.
func (c visitorCase) answered(raw string) visitorCase { c.service.answer = raw; return c }

// early has the service answer before it reads the body.
func (c visitorCase) early(raw string) visitorCase {
	c.service.answer, c.service.early = raw, true
	return c
}

// asking has the service send 100 Continue.
func (c visitorCase) asking() visitorCase { c.service.asks = true; return c }

// ending closes the visitor's side after what was sent.
func (c visitorCase) ending() visitorCase { c.ends = true; return c }

// leaving cuts the connection after what was sent.
func (c visitorCase) leaving() visitorCase { c.leaves = true; return c }

// request writes the head of a request to the usual host.
func request(line string, headers ...string) string {
	return line + " HTTP/1.1\r\nHost: www.demo.coop\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

func TestConformance_visitors(t *testing.T) {
	t.Parallel()
	ours, std := conformanceDoors(t)
	n := 0
	for _, group := range [][]visitorCase{targetCases, headerCases, framingCases, bodyCases} {
		for _, c := range group {
			n++
			t.Run(c.name, func(t *testing.T) {
				c.check(t, func(d *door, want string) string { return c.run(t, d, want, io.WriteString) }, ours, std)
				c.inPieces(t, c.run(t, ours, c.want, trickle))
			})
		}
	}
	t.Logf("%d cases", n)
}

// silence is how long nothing must come before a visitor is left waiting.
const silence = 500 * time.Millisecond

// run returns the outcome; what a service got late is waited for when it is wanted.
func (c *visitorCase) run(t *testing.T, d *door, want string, write writing) string {
	t.Helper()
	service := newService(c.service)
	d.point(t, service.start(t))
	v := callDoor(t, d)
	if strings.HasSuffix(want, "silent") {
		_ = v.conn.SetDeadline(time.Now().Add(silence))
	}
	v.methods = strings.Fields(c.methods)
	_, _ = write(v.conn, c.send)
	if c.then != "" {
		v.read()
		_, _ = write(v.conn, c.then)
	}
	switch {
	case c.leaves:
		_ = v.conn.NetConn().Close()
		v.after = "gone"
	case c.ends:
		_ = v.conn.CloseWrite()
		for v.after == "" {
			v.read()
		}
	default:
		v.probeEnd()
	}
	outcome := func() string { return service.got() + " => " + v.got() + "; " + v.after }
	within(time.Second, func() bool { return outcome() == want }) // what the service notes may come later
	return outcome()
}
