// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name, events string
		ok           bool
		last         string
		shown, quiet []string
	}{
		{
			name: "all pass", ok: true, last: "2 passed, 0 failed, 0 skipped", quiet: []string{"chatter"}, shown: []string{"ok   example/a 0.2s"},
			events: `{"Action":"start","Package":"example/a"}
{"Action":"output","Package":"example/a","Test":"TestX","Output":"chatter\n"}
{"Action":"pass","Package":"example/a","Test":"TestX/sub"}
{"Action":"pass","Package":"example/a","Test":"TestX"}
{"Action":"pass","Package":"example/a","Elapsed":0.2}`,
		},
		{
			name: "one fails", last: "1 passed, 1 failed, 1 skipped", shown: []string{"boom", "needs a part"}, quiet: []string{"chatter"},
			events: `{"Action":"output","Package":"example/a","Test":"TestX","Output":"boom\n"}
{"Action":"fail","Package":"example/a","Test":"TestX"}
{"Action":"output","Package":"example/a","Test":"TestY","Output":"chatter\n"}
{"Action":"pass","Package":"example/a","Test":"TestY"}
{"Action":"output","Package":"example/a","Test":"TestZ","Output":"needs a part\n"}
{"Action":"skip","Package":"example/a","Test":"TestZ"}
{"Action":"fail","Package":"example/a"}`,
		},
		{
			name: "does not build", last: "0 passed, 1 failed, 0 skipped", shown: []string{"a.go:1:1: syntax error"},
			events: `{"ImportPath":"example/a","Action":"build-output","Output":"a.go:1:1: syntax error\n"}
{"ImportPath":"example/a","Action":"build-fail"}
{"Action":"fail","Package":"example/a","FailedBuild":"example/a"}`,
		},
		{
			name: "panics in the middle", last: "0 passed, 1 failed, 0 skipped", shown: []string{"panic: out of time"},
			events: `{"Action":"run","Package":"example/a","Test":"TestX"}
{"Action":"output","Package":"example/a","Test":"TestX","Output":"panic: out of time\n"}
{"Action":"fail","Package":"example/a"}`,
		},
		{
			name: "the slowest are listed", ok: true, last: "4 passed, 0 failed, 0 skipped", quiet: []string{"TestQuick", "TestSlow/part"},
			shown: []string{"slowest tests:\n   40.0s example/b TestSlower\n    2.5s example/a TestSlow\n"},
			events: `{"Action":"pass","Package":"example/a","Test":"TestSlow/part","Elapsed":2.4}
{"Action":"pass","Package":"example/a","Test":"TestSlow","Elapsed":2.5}
{"Action":"pass","Package":"example/a","Test":"TestQuick","Elapsed":0.4}
{"Action":"pass","Package":"example/b","Test":"TestSlower","Elapsed":40}`,
		},
		{name: "nothing ran", last: "0 passed, 0 failed, 0 skipped", events: `{"Action":"skip","Package":"example/a"}`},
		{name: "words of go itself", last: "0 passed, 0 failed, 0 skipped", events: "go: no such module", shown: []string{"go: no such module"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			c := newCounter(&out)
			if err := c.run(strings.NewReader(tt.events + "\n")); err != nil || c.ok() != tt.ok {
				t.Fatalf("got %v, %v; want %v", c.ok(), err, tt.ok)
			}
			if !strings.HasSuffix("\n"+out.String(), "\n"+tt.last+"\n") {
				t.Errorf("does not end with %q:\n%s", tt.last, out.String())
			}
			for _, s := range tt.shown {
				if !strings.Contains(out.String(), s) {
					t.Errorf("does not show %q:\n%s", s, out.String())
				}
			}
			for _, s := range tt.quiet {
				if strings.Contains(out.String(), s) {
					t.Errorf("shows %q:\n%s", s, out.String())
				}
			}
		})
	}
}
