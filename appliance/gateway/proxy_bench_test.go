// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// benchService answers each request without a body with 1 KiB, at next to no cost.
func benchService(tb testing.TB, chunked bool) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	body := strings.Repeat("x", 1024)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: bench\r\nContent-Length: 1024\r\n\r\n" + body)
	if chunked {
		answer = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: bench\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + body + "\r\n0\r\n\r\n")
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						_ = c.Close()
						return
					}
					if len(line) == 2 {
						_, _ = c.Write(answer)
					}
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// BenchmarkProxy compares the proxy with the standard one over http.Transport,
// through the same server: TLS, 32 connections that stay open, 1 KiB answers.
func BenchmarkProxy(b *testing.B) {
	for _, chunked := range []bool{false, true} {
		target := benchService(b, chunked)
		for _, std := range []bool{false, true} {
			b.Run(fmt.Sprintf("std=%v/chunked=%v", std, chunked), func(b *testing.B) {
				d := open(b, local(b), Route{Host: "www.demo.coop", Kind: Service, Target: target})
				if std {
					d.table.Load().hosts["www.demo.coop"].handler = benchStandard(target)
				}
				benchVisitors(b, d)
			})
		}
	}
}

func benchStandard(target netip.AddrPort) http.Handler {
	to := &url.URL{Scheme: "http", Host: target.String()}
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(to)
			pr.Out.Host = pr.In.Host
			pr.SetXForwarded()
		},
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		FlushInterval: -1,
		BufferPool:    benchBuffers{},
		ErrorLog:      log.New(io.Discard, "", 0),
	}
}

// benchBuffers is a pool that every version of the proxy could have.
type benchBuffers struct{}

var benchPool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (benchBuffers) Get() []byte  { return benchPool.Get().(*[32 << 10]byte)[:] }
func (benchBuffers) Put(b []byte) { benchPool.Put((*[32 << 10]byte)(b)) }

func benchVisitors(b *testing.B, d *door) {
	b.Helper()
	const conns = 32
	request := []byte("GET /page HTTP/1.1\r\nHost: www.demo.coop\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n")
	config := &tls.Config{ServerName: "www.demo.coop", RootCAs: d.roots(), NextProtos: []string{"http/1.1"}}
	work := make(chan struct{}, conns)
	var wg sync.WaitGroup
	for range conns {
		c, err := tls.Dial("tcp", d.Addrs().HTTPS.String(), config)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Handshake(); err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			defer func() { _ = c.Close() }()
			in := bufio.NewReader(c)
			for range work {
				_, _ = c.Write(request)
				if err := benchAnswer(in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what the process used of all cores. Others who work on the machine
// change it less than they change the clock's time.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchAnswer(in *bufio.Reader) error {
	length, chunked := 0, false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			_, _ = fmt.Sscan(string(v), &length)
		}
		if bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")) {
			chunked = true
		}
		if len(line) == 2 {
			break
		}
	}
	if chunked {
		length = 5 + 1024 + 2 + 5
	}
	_, err := in.Discard(length)
	return err
}
