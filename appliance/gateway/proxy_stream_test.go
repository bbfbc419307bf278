// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestProxy_streamsUploadsOfAnySize sends 96 MiB. The service must see the
// first byte before the visitor has sent the last, and the gateway must not
// hold the body.
func TestProxy_streamsUploadsOfAnySize(t *testing.T) {
	const size = 96 << 20
	for _, known := range []bool{true, false} {
		first := make(chan struct{})
		d := service(t, func(w http.ResponseWriter, r *http.Request) {
			one := make([]byte, 1)
			if _, err := io.ReadFull(r.Body, one); err != nil {
				t.Error(err)
			}
			close(first)
			sum := sha256.New()
			sum.Write(one)
			n, err := io.Copy(sum, r.Body)
			_, _ = fmt.Fprintf(w, "%d %x %v", n+1, sum.Sum(nil), err)
		})
		body := &patient{left: size, first: first, t: t}
		want := sha256.New()
		body.copy = want
		r, err := http.NewRequest(http.MethodPut, "https://www.demo.coop/", body)
		if err != nil {
			t.Fatal(err)
		}
		if known {
			r.ContentLength = size
		}
		peak := watchHeap(t)
		resp, err := d.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if grown := peak(); grown > 24<<20 {
			t.Errorf("the heap grew by %d MiB", grown>>20)
		}
		if got := fmt.Sprintf("%d %x <nil>", size, want.Sum(nil)); string(b) != got {
			t.Errorf("known=%v: %s; want %s", known, b, got)
		}
	}
}

// patient is a body that sends its second half only once first is closed.
type patient struct {
	left  int
	first chan struct{}
	copy  io.Writer
	t     *testing.T
}

func (p *patient) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.left < 48<<20 {
		select {
		case <-p.first:
		case <-time.After(20 * time.Second):
			return 0, errors.New("the service has seen nothing yet")
		}
	}
	n := min(len(b), p.left)
	for i := range b[:n] {
		b[i] = byte(p.left + i)
	}
	p.left -= n
	_, _ = p.copy.Write(b[:n])
	return n, nil
}

// watchHeap returns a function that tells by how much the heap had grown at most.
func watchHeap(t *testing.T) func() int64 {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := int64(m.HeapInuse)
	ctx, cancel := context.WithCancel(context.Background())
	var most int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, int64(m.HeapInuse)-before)
			}
		}
	}()
	return func() int64 { cancel(); <-ended; return most }
}

func TestProxy_streamsDownloadsAndEventsAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			w.Header().Set("Content-Length", fmt.Sprint(64<<20))
			chunk := bytes.Repeat([]byte{7}, 1<<20)
			for range 64 {
				_, _ = w.Write(chunk)
			}
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	resp, err := d.client.Get("https://www.demo.coop/events")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q %v", line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- struct{}{}
	}
	_ = resp.Body.Close()

	peak := watchHeap(t)
	resp, err = d.client.Get("https://www.demo.coop/big")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if grown := peak(); n != 64<<20 || err != nil || grown > 24<<20 {
		t.Errorf("%d bytes, %v, heap grew by %d MiB", n, err, grown>>20)
	}
}

func TestProxy_webSocketsPassAndEndWithTheGateway(t *testing.T) {
	ended := make(chan error, 1)
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		for {
			kind, b, err := c.Read(context.Background()) //nolint:contextcheck // the socket outlives the request
			if err != nil {
				ended <- err
				return
			}
			_ = c.Write(context.Background(), kind, append([]byte("echo "), b...)) //nolint:contextcheck // as above
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "wss://www.demo.coop/ws", &websocket.DialOptions{HTTPClient: &http.Client{Transport: d.client.Transport}}) //nolint:bodyclose // a WebSocket has none
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"one", strings.Repeat("x", 20000)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
			t.Fatal(err)
		}
		if _, b, err := c.Read(ctx); err != nil || string(b) != "echo "+s {
			t.Fatalf("%.20q %v", b, err)
		}
	}
	d.cfg.Drain = 100 * time.Millisecond
	d.stop()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the visitor's side is still open: %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the service's side is still open")
	}
}
