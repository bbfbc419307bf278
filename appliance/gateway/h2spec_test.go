// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// h2specKnown are the cases that net/http's server fails, and why that is well.
var h2specKnown = map[string]string{
	"http2/6.5.3/1":   "net/http closes the connection of somebody who sends one setting twice",
	"http2/8.1.2.2/1": "net/http answers 400 where a reset of the stream is asked for",
	"http2/8.1.2.2/2": "net/http answers 400 where a reset of the stream is asked for",
}

// TestH2spec runs the cases of h2spec against the front door and a service
// behind it. A case that fails and is not known does so here, and so does one
// that is known and passes.
func TestH2spec(t *testing.T) {
	t.Parallel()
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte("hello"))
	})
	host, port, err := net.SplitHostPort(d.Addrs().HTTPS.String())
	if err != nil {
		t.Fatal(err)
	}
	next := &table{hosts: maps.Clone(d.table.Load().hosts)}
	next.hosts[host] = next.hosts["www.demo.coop"] // h2spec asks for the address that it connects to
	d.table.Store(next)
	c := &config.Config{Host: host, Path: "/", Timeout: 2 * time.Second, MaxHeaderLen: 4000, TLS: true, Insecure: true}
	if c.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	known := maps.Clone(h2specKnown)
	n := 0
	for _, root := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		h2specCases(root, func(id string, tc *spec.TestCase) {
			n++
			t.Run(id, func(t *testing.T) { h2specCase(t, c, tc, known[id]) })
			delete(known, id)
		})
	}
	if n < 140 || len(known) > 0 {
		t.Errorf("%d cases; known and not there: %v", n, slices.Sorted(maps.Keys(known)))
	}
}

// h2specCases calls f for each case of a group and the groups in it.
func h2specCases(g *spec.TestGroup, f func(id string, tc *spec.TestCase)) {
	for i, tc := range g.Tests {
		f(fmt.Sprintf("%s/%d", g.ID(), i+1), tc)
	}
	for _, sub := range g.Groups {
		if !sub.Strict {
			h2specCases(sub, f)
		}
	}
}

func h2specCase(t *testing.T, c *config.Config, tc *spec.TestCase, known string) {
	t.Helper()
	conn, err := spec.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = tc.Run(c, conn)
	switch {
	case errors.Is(err, spec.ErrSkipped):
		t.Skip(tc.Desc)
	case err != nil && known == "":
		t.Errorf("%s: %s\n%v", tc.Desc, tc.Requirement, err)
	case err == nil && known != "":
		t.Errorf("%s: passes, although %s", tc.Desc, known)
	}
}
