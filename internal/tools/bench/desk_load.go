// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"coopkit/desk/wire"
)

// loadBox is a box that the bench plays: it keeps the journal's head and number
// as a real one does, and checks every acknowledgement.
type loadBox struct {
	id     wire.BoxID
	key    ed25519.PrivateKey
	link   [32]byte
	host   string
	acked  uint64
	head   wire.Head   // at acked
	signed []loadEntry // reports that are ready to be sent
	size   int         // bytes of the last one that was made, with its signature
}

// loadEntry is one report of one sample: the whole request, its body, and the
// head after it.
type loadEntry struct {
	request, body []byte
	head          wire.Head
}

// join enrols a box with an invitation, as docs/reference/desk-protocol.md says.
func join(ctx context.Context, client *http.Client, code wire.Invitation) (*loadBox, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	nonce, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	e := wire.Enrolment{Version: wire.Version, Invitation: code.ID(), Key: public, Nonce: nonce.PublicKey().Bytes(), Facts: loadFacts()}
	e.MAC = wire.EnrolmentMAC(wire.VerifierOf(code.Secret), code.Key, public, e.Nonce)
	body, err := wire.Encode(e)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, code.Desk+wire.PathEnrol, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set(wire.HeaderSignature, wire.SignEnrolment(key, code.Key, body))
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || !wire.VerifyEnrolled(code.Key, body, said, answer.Header.Get(wire.HeaderSignature)) {
		return nil, fmt.Errorf("enrol: %s: %s", answer.Status, said)
	}
	enrolled, err := wire.DecodeEnrolled(said)
	if err != nil {
		return nil, err
	}
	link, err := wire.LinkKey(nonce, enrolled.Nonce, body, said)
	return &loadBox{id: enrolled.Box, key: key, link: link, host: strings.TrimPrefix(code.Desk, "https://")}, err
}

func loadFacts() wire.Facts {
	f := wire.Facts{Coop: "Bench", Name: "bench", Agent: "0.9.0", System: "Debian 12", Arch: "amd64", Kernel: "6.1.0", Engine: "20.10.24", CPUs: 2, Memory: 4 << 30}
	for _, app := range []string{"wordpress", "nextcloud", "mattermost", "decidim", "dokuwiki", "radicale"} {
		f.Installs = append(f.Installs, wire.Install{Name: app, Recipe: app, Version: "1.2.3-1", Release: 3, State: "running", Host: app + ".bench.example"})
	}
	return f
}

// sign makes n more reports, each of one sample, as if the box had sent them
// one after the other.
func (x *loadBox) sign(n int) error {
	number, head := x.acked, x.head
	x.signed = x.signed[:0]
	for range n {
		now := wire.At(time.Now())
		number++
		entry := wire.Entry{At: now, Sample: &wire.Sample{
			UptimeS: 864_000 + int64(number), Load: 0.42, Memory: 4 << 30, MemoryUsed: 2<<30 + number<<12, Disk: 120 << 30, DiskUsed: 41 << 30, Apps: 6, AppsUp: 6, //nolint:gosec // small
		}}
		body, err := wire.Encode(wire.Report{Version: wire.Version, Box: x.id, Sent: now, First: number, Previous: head, Entries: []wire.Entry{entry}})
		if err != nil {
			return err
		}
		raw, err := wire.Encode(entry)
		if err != nil {
			return err
		}
		head = head.After(raw)
		signature := wire.SignReport(x.key, body)
		x.size = len(body) + len(signature)
		var request bytes.Buffer
		fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			wire.PathReports, x.host, wire.ContentType, wire.HeaderSignature, signature, len(body), body)
		x.signed = append(x.signed, loadEntry{request.Bytes(), request.Bytes()[request.Len()-len(body):], head})
	}
	return nil
}

// loadConn is one connection that is kept.
type loadConn struct {
	tls  *tls.Conn
	read *bufio.Reader
	body [512]byte // of the answer
	want [32]byte  // how it has to begin
}

func dialDesk(ctx context.Context, base string, pin []byte) (*loadConn, error) {
	config, err := wire.TLSConfig(base, pin)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	c, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &loadConn{tls: c.(*tls.Conn), read: bufio.NewReaderSize(c, 1024)}, nil
}

// send sends the next report of the box and takes its acknowledgement.
func (c *loadConn) send(x *loadBox) error {
	if len(x.signed) == 0 {
		return errors.New("no report is ready")
	}
	next := x.signed[0]
	if _, err := c.tls.Write(next.request); err != nil {
		return err
	}
	said, err := c.answer()
	if err != nil {
		return err
	}
	ack := wire.Ack{Ack: x.acked + 1}
	if ack.Ack%8 != 0 {
		if !bytes.HasPrefix(said, fmt.Appendf(c.want[:0], `{"ack":%d,`, ack.Ack)) {
			return fmt.Errorf("report %d: %s", ack.Ack, said)
		}
	} else if ack, err = wire.OpenAck(x.link, next.body, said); err != nil || ack.Ack != x.acked+1 {
		return errors.Join(err, fmt.Errorf("report %d: %s", x.acked+1, said))
	}
	x.acked, x.head, x.signed = ack.Ack, next.head, x.signed[1:]
	return nil
}

// answer reads the answer to a report without what a client has to be ready
// for: the load must not cost more than what is measured.
func (c *loadConn) answer() ([]byte, error) {
	length := -1
	for first := true; ; first = false {
		line, err := c.read.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		switch {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return nil, fmt.Errorf("the desk answers %s", line)
		case bytes.HasPrefix(line, []byte(lengthHeader)):
			if length, err = strconv.Atoi(string(line[len(lengthHeader):])); err != nil {
				return nil, err
			}
		case len(line) == 0 && (length < 0 || length > len(c.body)):
			return nil, errors.New("the desk does not say how long its answer is")
		case len(line) == 0:
			_, err = io.ReadFull(c.read, c.body[:length])
			return c.body[:length], err
		}
	}
}

const lengthHeader = "Content-Length: "
