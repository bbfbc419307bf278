// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"io"
	"testing"
	"time"
)

// serviceCase is what a service answers. The outcome ends with what became of
// both connections: "open" or "closed" to the visitor, "reused" or "closed" to
// the service.
type serviceCase struct {
	conformanceCase
	script
	send    string // raw; empty = an ordinary GET
	methods string
	strays  bool // the service sends more than was asked for
}

// answering makes a case of a raw answer and its outcome.
func answering(name, answer, want string) serviceCase {
	return serviceCase{conformanceCase: conformanceCase{name: name, want: want}, script: script{answer: answer}}
}

// but says what the standard proxy does instead, and why.
func (c serviceCase) but(std, why string) serviceCase {
	c.std, c.why = std, why
	return c
}

// hangingUp has the service close the connection after its answer.
func (c serviceCase) hangingUp() serviceCase { c.hangUp = true; return c }

// straying says that there is more in the answer than was asked for.
func (c serviceCase) straying() serviceCase { c.strays = true; return c }

// later sends more once the visitor has the answer.
func (c serviceCase) later(raw string) serviceCase { c.late = raw; return c.straying() }

// to is the answer to a request of another kind.
func (c serviceCase) to(send, method string) serviceCase {
	c.send, c.methods = send, method
	return c
}

func TestConformance_services(t *testing.T) {
	t.Parallel()
	ours, std := conformanceDoors(t)
	n := 0
	for _, group := range [][]serviceCase{answerCases, answerHeaderCases, answerBodyCases} {
		for _, c := range group {
			n++
			t.Run(c.name, func(t *testing.T) {
				c.check(t, func(d *door, _ string) string { return c.run(t, d, io.WriteString) }, ours, std)
				if !c.strays { // or they come after the next request was sent, when nobody can tell
					c.inPieces(t, c.run(t, ours, trickle))
				}
			})
		}
	}
	t.Logf("%d cases", n)
}

// run returns the outcome.
func (c *serviceCase) run(t *testing.T, d *door, write writing) string {
	t.Helper()
	service := newService(c.script)
	service.write = write
	d.point(t, service.start(t))
	v := callDoor(t, d)
	send := request("GET /x")
	if c.send != "" {
		send, v.methods = c.send, []string{c.methods}
	}
	_, _ = io.WriteString(v.conn, send)
	for status := 100; status >= 100 && status < 200 && v.after == ""; {
		status = v.read()
	}
	if c.late != "" {
		close(service.answered)
		<-service.sent
	}
	if c.strays && d.standard { // which looks at its connections by and by
		within(time.Second, service.wasEnded)
	}
	v.probeEnd()
	if v.after != "open" {
		other := callDoor(t, d)
		other.probeEnd()
		if other.after != "open" {
			v.after += " for all"
		}
	}
	return v.got() + "; " + v.after + ", " + service.after()
}
