// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2Case is a request in HTTP/2 frames. Of the answer are written status, body
// and unusual headers, or the code with which the stream was reset.
type h2Case struct {
	conformanceCase
	fields  []string // of the HEADERS frame: name, value …
	data    []string // of the DATA frames
	trailer []string // of a second HEADERS frame: name, value …
	reset   bool     // the visitor resets the stream once the service has the head
	hasty   bool     // the stream is reset at once: what the service got of it by then may be anything
	service script
}

// frames makes a case of the fields of a header, after those that are usual
// and not among them, and of its outcome. The value "none" stands for no field.
func frames(name, want string, fields ...string) h2Case {
	var all []string
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "www.demo.coop"}, {":path", "/x"}} {
		if !slices.Contains(fields, f[0]) {
			all = append(all, f[0], f[1])
		}
	}
	// Pseudo headers come first (RFC 9113 section 8.3); stable, because copies are what some cases are about.
	for i := 0; i < len(fields); i += 2 {
		if strings.HasPrefix(fields[i], ":") {
			all = append(all, fields[i], fields[i+1])
		}
	}
	for i := 0; i < len(fields); i += 2 {
		if !strings.HasPrefix(fields[i], ":") {
			all = append(all, fields[i], fields[i+1])
		}
	}
	return h2Case{conformanceCase: conformanceCase{name: name, want: want}, fields: all}
}

// but says what the standard proxy does instead, and why.
func (c h2Case) but(std, why string) h2Case {
	c.std, c.why = std, why
	return c
}

// with adds DATA frames; an empty one ends the body by itself.
func (c h2Case) with(data ...string) h2Case { c.data = data; return c }

// ended adds a trailer.
func (c h2Case) ended(trailer ...string) h2Case { c.trailer = trailer; return c }

// atOnce says that the service may have got anything, or nothing.
func (c h2Case) atOnce() h2Case { c.hasty = true; return c }

// leaving resets the stream instead of ending it.
func (c h2Case) leaving() h2Case { c.reset = true; return c }

func TestConformance_h2(t *testing.T) {
	t.Parallel()
	ours, std := conformanceDoors(t)
	for _, c := range h2Cases {
		t.Run(c.name, func(t *testing.T) {
			c.check(t, func(d *door, want string) string { return c.run(t, d, want) }, ours, std)
		})
	}
	t.Logf("%d cases", len(h2Cases))
}

// run returns the outcome.
func (c *h2Case) run(t *testing.T, d *door, want string) string {
	t.Helper()
	service := newService(c.service)
	d.point(t, service.start(t))
	v := visitH2(t, d)
	v.headers(1, c.fields, len(c.data) == 0 && len(c.trailer) == 0 && !c.reset)
	for i, data := range c.data {
		_ = v.WriteData(1, i == len(c.data)-1 && len(c.trailer) == 0 && !c.reset, []byte(data))
	}
	if len(c.trailer) > 0 {
		v.headers(1, c.trailer, true)
	}
	got := "gone"
	if c.reset {
		testkit.Eventually(t, 5*time.Second, "the service has the head", service.reached)
		_ = v.WriteRSTStream(1, http2.ErrCodeCancel)
	} else {
		got = v.answer(1)
	}
	v.headers(3, []string{":method", "GET", ":scheme", "https", ":authority", "www.demo.coop", ":path", "/probe"}, true)
	after := "closed"
	if v.answer(3) == `200 "probe"` {
		after = "open"
	}
	outcome := func() string {
		if c.hasty {
			return got + "; " + after
		}
		return service.got() + " => " + got + "; " + after
	}
	within(time.Second, func() bool { return outcome() == want }) // what the service notes may come later
	return outcome()
}

// h2Visitor speaks HTTP/2 by hand.
type h2Visitor struct {
	*http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

func visitH2(t *testing.T, d *door) *h2Visitor {
	t.Helper()
	conn := d.rawVisitor("h2")
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	v := &h2Visitor{Framer: http2.NewFramer(conn, conn)}
	v.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	v.enc = hpack.NewEncoder(&v.block)
	v.AllowIllegalWrites = true
	_ = v.WriteSettings()
	return v
}

// headers writes a HEADERS frame.
func (v *h2Visitor) headers(stream uint32, fields []string, end bool) {
	v.block.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] != "none" {
			_ = v.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
	}
	_ = v.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: v.block.Bytes(), EndHeaders: true, EndStream: end})
}

// answer reads until the stream ends, and says how.
func (v *h2Visitor) answer(stream uint32) string {
	var s string
	var body []byte
	for {
		f, err := v.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = v.WriteSettingsAck()
			}
			continue
		case *http2.GoAwayFrame:
			return "GOAWAY " + f.ErrCode.String()
		}
		if f.Header().StreamID != stream {
			continue
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			return strings.TrimSpace(s + " RST " + f.ErrCode.String())
		case *http2.MetaHeadersFrame:
			s = strings.TrimSpace(s + " " + f.PseudoValue("status") + describeFields(f))
		case *http2.DataFrame:
			body = append(body, f.Data()...)
		}
		if f.Header().Flags.Has(http2.FlagDataEndStream) {
			if len(body) > 0 && s < "400" {
				s += fmt.Sprintf(" %.40q", body)
			}
			return s
		}
	}
}

func describeFields(f *http2.MetaHeadersFrame) string {
	if f.PseudoValue("status") >= "400" {
		return ""
	}
	h := http.Header{}
	for _, field := range f.RegularFields() {
		h.Add(field.Name, field.Value)
	}
	return describeHeaders(h, "Date", "Content-Length", "Connection")
}
