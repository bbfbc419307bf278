// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"golang.org/x/sys/unix"
)

// The checks here say at the value itself what compose-go and the engine would
// say later without a place.

func (l *linter) checkText(key string, n *node) {
	if _, ok := n.value.(string); !ok {
		l.value(n, "a text", quoted(n))
	}
}

func (l *linter) checkBool(_ string, n *node) {
	if _, ok := n.value.(bool); !ok {
		l.value(n, "true or false", "write true or false, without quotes")
	}
}

func (l *linter) checkCount(_ string, n *node) {
	if v, ok := n.value.(int); !ok || v < 1 {
		l.value(n, "a whole number above 0", "write a number, without quotes")
	}
}

// checkCommand accepts a text, or a list of texts.
func (l *linter) checkCommand(_ string, n *node) {
	items := n.items
	if n.kind != sequence {
		items = []*node{n}
	}
	for _, item := range items {
		l.checkText("", item)
	}
}

// leastMemory is the smallest limit that the engine takes.
const leastMemory = 6 << 20

func (l *linter) checkMemory(_ string, n *node) {
	if size, ok := l.size(n); ok && size < leastMemory {
		l.value(n, "at least 6m, which is the engine's minimum", "measure what the service needs, e.g. 256m")
	}
}

func (l *linter) checkSize(_ string, n *node) { l.size(n) }

// size reads a size as Compose does: a number of bytes, or with a unit.
func (l *linter) size(n *node) (int64, bool) {
	size, err := units.RAMInBytes(n.text())
	if err != nil || n.kind != scalar || size <= 0 {
		l.value(n, "a size", "write one such as 64m or 1g")
		return 0, false
	}
	return size, true
}

func (l *linter) checkSignal(_ string, n *node) {
	name, _ := n.value.(string)
	realTime, isRealTime := strings.CutPrefix(name, "SIGRTMIN+")
	number, err := strconv.Atoi(realTime)
	switch {
	case isRealTime && err == nil && number > 0 && number <= 15:
	case strings.HasPrefix(name, "SIG") && unix.SignalNum(name) != 0:
	default:
		l.value(n, "the name of a signal", "write one such as SIGTERM, SIGINT or SIGQUIT")
	}
}

func (l *linter) checkDuration(_ string, n *node) {
	text, _ := n.value.(string)
	if d, err := time.ParseDuration(text); err != nil || d < 0 {
		l.value(n, "a duration", "write one such as 30s or 1m30s")
	}
}

// checkHealth checks every form of a health check that Compose knows: with a
// test, with other times for the image's own test, and switched off.
func (l *linter) checkHealth(_ string, n *node) {
	if n.kind != mapping {
		l.value(n, "a mapping", "write test, interval, timeout, retries and start_period below it")
		return
	}
	for _, key := range n.names() {
		v := n.fields[key]
		switch key {
		case "interval", "timeout", "start_period", "start_interval":
			l.checkDuration(key, v)
		case "retries":
			l.checkCount(key, v)
		case "disable":
			l.checkBool(key, v)
		case "test":
			l.checkHealthTest(v)
		default:
			l.bad(n.key(key), "key-unknown", fmt.Sprintf("a healthcheck has no key %q", key), "use test, interval, timeout, retries, start_period, start_interval or disable")
		}
	}
}

func (l *linter) checkHealthTest(n *node) {
	l.checkCommand("", n)
	if n.kind == sequence && (len(n.items) == 0 || !slices.Contains([]string{"CMD", "CMD-SHELL", noCheck}, n.items[0].text())) {
		l.value(n, "a test", "begin the list with CMD, CMD-SHELL or NONE")
	}
}

// switchedOff reports whether a healthcheck says that there is none.
func switchedOff(n *node) bool {
	off, _ := n.at("disable").value.(bool)
	test := n.fields["test"]
	return off || test != nil && (test.text() == noCheck || len(test.items) > 0 && test.items[0].text() == noCheck)
}

// value says that a value is not of the form that its key wants.
func (l *linter) value(n *node, wanted, next string) {
	is := "this"
	if n.kind == scalar {
		is = strconv.Quote(n.text())
	}
	l.bad(n, "value-form", fmt.Sprintf("%s is not %s", is, wanted), next)
}

// quoted says how to make a text of a number or a bool.
func quoted(n *node) string {
	if n.kind == scalar && n.value != nil {
		return fmt.Sprintf("quote it: %q", n.text())
	}
	return "write a text"
}
