// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/recipes"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestTable_saysWhetherGoalsAreMet(t *testing.T) {
	got := table([]row{
		{what: "fast", ours: 3000, unit: "req/s", peer: "Peer", them: 1500, goal: 1.5},
		{what: "slow", ours: 1000, unit: "req/s", peer: "Peer", them: 1500, goal: 0.8},
		{what: "late", ours: 2.5, unit: "ms", peer: "Peer", them: 2, goal: 1, most: true},
		{what: "small", ours: 22.25, unit: "MiB", goal: 30, most: true},
		{what: "free", ours: 1, unit: "s", peer: "Peer", them: 4},
		{what: "web", disturbed: "the host took 9.0 % of the processors"},
	})
	want := strings.Join([]string{
		"| what | Coopkit | against | ratio | goal | met |",
		"|---|---:|---|---:|---:|---|",
		"| fast | 3000 req/s | Peer 1500 req/s | 2.00 | ≥ 1.5 × | yes |",
		"| slow | 1000 req/s | Peer 1500 req/s | 0.67 | ≥ 0.8 × | no |",
		"| late | 2.5 ms | Peer 2 ms | 1.25 | ≤ 1 × | no |",
		"| small | 22.2 MiB | – | – | ≤ 30 MiB | yes |",
		"| free | 1 s | Peer 4 s | 0.25 | – | – |",
		"| web | disturbed: the host took 9.0 % of the processors; run it again | – | – | – | – |",
		"",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const wrkReport = `Running 5s test @ https://app.bench.example:4433/index.html
  1 threads and 32 connections
  Latency Distribution
     50%    2.51ms
     99%   16.15ms
  41877 requests in 5.01s, 49.12MB read
Requests/sec:   8354.12
`

func TestReadWrk(t *testing.T) {
	got, err := readWrk(wrkReport)
	if err != nil || got != (loaded{8354.12, 2.51, 16.15, 41877}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for unit, want := range map[string]float64{"800.00us": 0.8, "1.50s": 1500} {
		got, err := readWrk(strings.Replace(wrkReport, "16.15ms", unit, 1))
		if err != nil || got.p99 != want {
			t.Errorf("%s: %+v, %v", unit, got, err)
		}
	}
	for _, bad := range []string{"", "unable to connect", wrkReport + "  Non-2xx or 3xx responses: 12\n", wrkReport + "  Socket errors: connect 0, read 4, write 0, timeout 0\n"} {
		if _, err := readWrk(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}

func TestReadDNSPerf(t *testing.T) {
	const report = "  Queries sent:         100\n  Queries completed:    100 (100.00%)\n  Queries lost:         0 (0.00%)\n\n  Queries per second:   70804.5\n"
	if got, err := readDNSPerf(report); err != nil || got != 70804.5 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", strings.Replace(report, "0 (0.00%)", "5 (5.00%)", 1)} {
		if _, err := readDNSPerf(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}

func TestReadResident(t *testing.T) {
	want := resident{all: 22.25, anon: 4}
	if got, err := readResident("Name:\tx\nVmRSS:\t   22784 kB\nRssAnon:\t 4096 kB\n"); err != nil || got != want {
		t.Errorf("memory: %v, %v", got, err)
	}
	if _, err := readResident("VmRSS:\t   22784 kB\n"); err == nil {
		t.Error("took a status without memory")
	}
}

func TestAddSpec_bothReadTheSameFile(t *testing.T) {
	issues, err := recipes.Lint(os.DirFS("app"))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range issues {
		t.Error(i)
	}
	b := &bench{dir: t.TempDir()}
	path, err := b.composeFile()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "image: "+addImage+"\n") != 2 || strings.Contains(string(text), "sha256") {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestBenchZone(t *testing.T) {
	zone, err := benchZone()
	if err != nil || len(zone.Records) != dnsHosts+1 {
		t.Errorf("%d records, %v", len(zone.Records), err)
	}
	if n := strings.Count(dnsQueries(), "\n"); n != dnsHosts+dnsHosts/10 {
		t.Errorf("%d queries", n)
	}
}

func TestRun_refusesUnknownContenders(t *testing.T) {
	for _, args := range [][]string{{"-serve", "apache"}, {"-serve", "dns"}, {"-serve", "gateway", "x"}, {"-wrong"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v worked", args)
		}
	}
}

func TestReadStatements_takesTheFewest(t *testing.T) {
	const log = `{"msg":"page served","path":"/fleet","statements":7}
not JSON
{"msg":"page served","path":"/fleet","statements":5}
{"msg":"something else","path":"/fleet","statements":1}
{"msg":"page served","path":"/","statements":3}
`
	if diff := cmp.Diff(map[string]int{"/fleet": 5, "/": 3}, readStatements(log)); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConn_readsOnlyGoodAnswers(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n{\"ack\":1}HTTP"
	read := func(text string) (string, error) {
		c := &loadConn{read: bufio.NewReader(strings.NewReader(text))}
		said, err := c.answer()
		return string(said), err
	}
	if said, err := read(good); err != nil || said != `{"ack":1}` {
		t.Errorf("%q, %v", said, err)
	}
	for _, bad := range []string{"", "HTTP/1.1 503 No\r\n\r\n", strings.Replace(good, "Content-Length: 9", "X: 9", 1), strings.Replace(good, ": 9", ": 999999", 1), good[:len(good)-6]} {
		if said, err := read(bad); err == nil {
			t.Errorf("took %q as %q", bad, said)
		}
	}
}

func TestCPUTimes_saysWhoHadTheProcessors(t *testing.T) {
	var times [2]cpuTimes
	for i, stat := range []string{
		"cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n",
		"cpu  130 10 105 1600 105 3 2 45 20 0\n",
	} {
		var err error
		if times[i], err = parseCPU(stat); err != nil {
			t.Fatal(err)
		}
	}
	if busy, stolen := times[1].since(times[0]); busy != 0.05 || stolen != 0.045 {
		t.Errorf("busy %v, stolen %v", busy, stolen)
	}
	if busy, stolen := times[0].since(times[0]); busy != 0 || stolen != 0 {
		t.Errorf("no time went by, but busy %v, stolen %v", busy, stolen)
	}
	for _, bad := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 3 4 5 6 7 x"} {
		if _, err := parseCPU(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}
