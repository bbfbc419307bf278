// SPDX-License-Identifier: AGPL-3.0-or-later

package wire_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	vectorsFile  = "testdata/vectors.txt"
	protocolPage = "../../docs/reference/desk-protocol.md"
)

// vectors are lines "name: value" of one whole exchange with fixed keys.
type vectors struct{ strings.Builder }

func (v *vectors) add(name, value string) { v.WriteString(name + ": " + value + "\n") }
func (v *vectors) hex(name string, value []byte) {
	v.add(name+" (hex)", hex.EncodeToString(value))
}

func seeded(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func TestVectors(t *testing.T) {
	v := &vectors{}
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	desk, box := seeded(1), seeded(2)
	deskKey, boxKey := desk.Public().(ed25519.PublicKey), box.Public().(ed25519.PublicKey)
	code := wire.Invitation{Desk: "https://desk.example:8430", Key: deskKey, Pin: bytes.Repeat([]byte{9}, 32)}
	copy(code.Secret[:], bytes.Repeat([]byte{3}, 16))
	verifier := wire.VerifierOf(code.Secret)
	v.hex("desk's Ed25519 seed", desk.Seed())
	v.hex("box's Ed25519 seed", box.Seed())
	v.add("invitation", code.String())
	v.add("invitation's id", code.ID())
	v.hex("verifier", verifier[:])

	boxNonce, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{4}, 32))
	if err != nil {
		t.Fatal(err)
	}
	deskNonce, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{5}, 32))
	if err != nil {
		t.Fatal(err)
	}
	now := wire.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	e := wire.Enrolment{
		Version: 1, Invitation: code.ID(), Key: boxKey, Nonce: boxNonce.PublicKey().Bytes(),
		Facts: wire.Facts{Name: "mill", Agent: "0.9.0", System: "Debian 12", Arch: "amd64", Kernel: "6.1.0", CPUs: 2, Memory: 4 << 30},
	}
	e.MAC = wire.EnrolmentMAC(verifier, deskKey, boxKey, e.Nonce)
	request := must(wire.Encode(e))
	v.hex("box's X25519 private key", boxNonce.Bytes())
	v.add("enrolment", string(request))
	v.add("its signature", wire.SignEnrolment(box, deskKey, request))
	answer := must(wire.Encode(wire.Enrolled{Box: "abcdefghijkl", Nonce: deskNonce.PublicKey().Bytes(), Desk: "Kestrel Works", Coop: "Lantern Street Bakery", Pending: true, PeriodS: 60}))
	v.hex("desk's X25519 private key", deskNonce.Bytes())
	v.add("answer", string(answer))
	v.add("its signature", wire.SignEnrolled(desk, request, answer))
	words := wire.FourWords(request, answer)
	v.add("four words", strings.Join(words[:], " "))
	link, err := wire.LinkKey(boxNonce, deskNonce.PublicKey().Bytes(), request, answer)
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err := wire.LinkKey(deskNonce, boxNonce.PublicKey().Bytes(), request, answer); err != nil || theirs != link {
		t.Errorf("the two sides disagree about the link key: %v", err)
	}
	v.hex("link key", link[:])

	body := must(wire.Encode(wire.Report{Version: 1, Box: "abcdefghijkl", Sent: now, First: 1, Entries: []wire.Entry{
		{At: now, Sample: &wire.Sample{UptimeS: 864_000, Load: 0.42, Memory: 4 << 30, MemoryUsed: 2 << 30, Disk: 120 << 30, DiskUsed: 41 << 30, Apps: 6, AppsUp: 6}},
		{At: now, Solved: &wire.FindingName{Code: "APP-DOWN", Subject: "app:wordpress"}},
	}}))
	v.add("report", string(body))
	v.add("its signature", wire.SignReport(box, body))
	r, entries, err := wire.DecodeReport(body)
	if err != nil {
		t.Fatal(err)
	}
	head := r.Previous
	for _, entry := range entries {
		head = head.After(entry)
		v.add("head after "+string(entry), base64.RawURLEncoding.EncodeToString(head[:]))
	}
	ack := must(wire.SealAck(link, body, wire.Ack{Ack: 2, NextS: 60, Time: now}))
	v.add("acknowledgement", string(ack))
	if a, err := wire.OpenAck(link, body, ack); err != nil || a.Ack != 2 {
		t.Errorf("the acknowledgement is read as %+v, %v", a, err)
	}
	leave := must(wire.Encode(wire.Leave{Version: 1, Box: "abcdefghijkl", Sent: now}))
	v.add("leave", string(leave))
	v.add("its signature", wire.SignLeave(box, leave))
	compareVectors(t, v.String())
}

// compareVectors compares with the golden file, and that with the page.
func compareVectors(t *testing.T, got string) {
	t.Helper()
	page, err := os.ReadFile(protocolPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- vectors: from desk/wire/testdata/vectors.txt -->\n\n```\n", "```\n\n<!-- end of vectors -->"
	before, rest, found := strings.Cut(string(page), begin)
	shown, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Fatalf("%s has no place for the vectors", protocolPage)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorsFile), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(protocolPage, []byte(before+begin+got+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the protocol changed:\n%s", diff)
	}
	if diff := cmp.Diff(string(want), shown); diff != "" {
		t.Errorf("%s shows other vectors (go test ./desk/wire -update):\n%s", protocolPage, diff)
	}
}
