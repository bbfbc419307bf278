// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

// fetch opens a page of the box over a connection of its own.
func fetch(t *testing.T, box *machine) {
	t.Helper()
	if err := visit(t.Context(), box.address(t)); err != nil {
		t.Error(err)
	}
}

func visit(ctx context.Context, address string) error {
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// letIn opens the console at the address that the installer said, as somebody
// else on the network does, and looks for the token.
func letIn(t *testing.T, box *machine, said string) {
	t.Helper()
	contains(t, said, "https://"+box.address(t)+":8420/setup", "token:")
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the first visit: the authority is not known yet
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+box.address(t)+":8420/setup", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if page, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(page), "</form>") {
		t.Errorf("the console answers %s, %v", response.Status, err)
	}
}

// lookUp asks the box for the address of ns1.demo.coop.
func lookUp(t *testing.T, box *machine, network string) string {
	t.Helper()
	address, err := ask(t.Context(), network, box.address(t))
	if err != nil {
		t.Error(err)
	}
	return address
}

func ask(ctx context.Context, network, address string) (string, error) {
	question := new(mdns.Msg).SetQuestion("ns1.demo.coop.", mdns.TypeA)
	client := mdns.Client{Net: network, Timeout: 10 * time.Second}
	answer, _, err := client.ExchangeContext(ctx, question, net.JoinHostPort(address, "53"))
	if err != nil {
		return "", err
	}
	var found []string
	for _, r := range answer.Answer {
		if a, ok := r.(*mdns.A); ok {
			found = append(found, a.A.String())
		}
	}
	return strings.Join(found, " "), nil
}

// upgradeUnderLoad: while the program is replaced, visitors and resolvers wait
// for a moment, and nobody is refused.
func (l life) upgradeUnderLoad(t *testing.T) {
	box := l.box
	box.copyIn(t, l.first.with(t, "1.1.0", l.first.program).dir, "/root/1.1.0")
	address, pid := box.address(t), box.pid(t)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var visits, questions atomic.Int64
	repeat := func(count *atomic.Int64, once func() error) {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := once(); err != nil {
					t.Errorf("after %d: %v", count.Load(), err)
					return
				}
				count.Add(1)
				<-time.After(2 * time.Millisecond) // the name server answers nobody who floods it
			}
		})
	}
	for range 2 {
		repeat(&visits, func() error { return visit(t.Context(), address) })
	}
	for _, network := range []string{"udp", "tcp"} {
		repeat(&questions, func() error { _, err := ask(t.Context(), network, address); return err })
	}
	box.says(t, "/root/1.1.0/install.sh", "install the package coopkit 1.1.0 in place of 1.0.0", "Coopkit runs")
	before := visits.Load()
	for visits.Load() < before+20 && ctx.Err() == nil && !t.Failed() {
		<-time.After(10 * time.Millisecond)
	}
	cancel()
	group.Wait()
	if now := box.pid(t); now == pid {
		t.Error("the agent was not replaced")
	}
	t.Logf("%d visits and %d questions, none refused", visits.Load(), questions.Load())
	box.says(t, "ls /usr/bin/coopkit*", "/usr/bin/coopkit")
}
