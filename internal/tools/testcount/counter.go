// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of "go test -json"; see "go doc test2json".
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64
}

// counter counts tests (subtests too) and keeps the output of those that have
// not ended, so that it can show it when they fail.
type counter struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string]*strings.Builder // by package and test
	failedIn                map[string]int              // failed tests by package
	tests                   []event                     // the end of each test that is no subtest
}

// slowest is how many tests are listed with their time at the end.
const slowest = 20

func newCounter(out io.Writer) *counter {
	return &counter{out: out, output: map[string]*strings.Builder{}, failedIn: map[string]int{}}
}

// run takes events until the end, then writes the closing line. A line that is
// no event is shown as it is.
func (c *counter) run(in io.Reader) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil || e.Action == "" {
			_, _ = fmt.Fprintln(c.out, s.Text())
			continue
		}
		c.take(e)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read test events: %w", err)
	}
	c.showSlowest()
	_, err := fmt.Fprintf(c.out, "%d passed, %d failed, %d skipped\n", c.passed, c.failed, c.skipped)
	return err
}

func (c *counter) take(e event) {
	key := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if c.output[key] == nil {
			c.output[key] = &strings.Builder{}
		}
		c.output[key].WriteString(e.Output)
		return
	case "build-fail":
		c.show(key)
	case "pass", "skip", "fail":
		if e.Test == "" {
			c.endPackage(e, key)
		} else {
			c.endTest(e, key)
		}
	default:
		return
	}
	delete(c.output, key)
}

func (c *counter) endTest(e event, key string) {
	if !strings.Contains(e.Test, "/") {
		c.tests = append(c.tests, e)
	}
	switch e.Action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
		c.show(key)
	case "fail":
		c.failed++
		c.failedIn[e.Package]++
		c.show(key)
	}
}

// endPackage counts a package that failed without a test that did: it did not
// build, panicked, or ran out of time.
func (c *counter) endPackage(e event, key string) {
	if e.Action == "fail" {
		if c.failedIn[e.Package] == 0 {
			c.failed++
		}
		for k := range c.output {
			if strings.HasPrefix(k, e.Package+" ") && k != key {
				c.show(k)
				delete(c.output, k)
			}
		}
		c.show(key)
	}
	if e.Action != "skip" {
		_, _ = fmt.Fprintf(c.out, "%-4s %s %.1fs\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], e.Package, e.Elapsed)
	}
}

// showSlowest lists the tests that took longest, where it would be worth looking
// for one that waits. Tests below a second are not listed.
func (c *counter) showSlowest() {
	slices.SortStableFunc(c.tests, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for i, e := range c.tests {
		if i == slowest || e.Elapsed < 1 {
			return
		}
		if i == 0 {
			_, _ = fmt.Fprintln(c.out, "slowest tests:")
		}
		_, _ = fmt.Fprintf(c.out, "%7.1fs %s %s\n", e.Elapsed, e.Package, e.Test)
	}
}

func (c *counter) show(key string) {
	if b := c.output[key]; b != nil {
		_, _ = io.WriteString(c.out, b.String())
	}
}

// ok is false for a run without tests too: nothing was shown by it.
func (c *counter) ok() bool { return c.failed == 0 && c.passed > 0 }
