// SPDX-License-Identifier: AGPL-3.0-or-later

package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

func deskKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)) }

func invitation(tb testing.TB, pin []byte) wire.Invitation {
	tb.Helper()
	i, err := wire.NewInvitation("https://desk.example:8430", deskKey().Public().(ed25519.PublicKey), pin)
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

func TestInvitation_surviveMailAndPaper(t *testing.T) {
	for _, pin := range [][]byte{nil, bytes.Repeat([]byte{9}, 32)} {
		want := invitation(t, pin)
		code := want.String()
		for _, as := range []string{code, "  " + code + "\n", "<" + code + ">", code[:40] + "\r\n   " + code[40:], strings.Replace(code, "desk.example", "Desk.Example", 1)} {
			got, err := wire.ParseInvitation(as)
			if err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%q: %v %s", as, err, cmp.Diff(want, got))
			}
		}
	}
}

func TestParseInvitation_saysWhatIsWrong(t *testing.T) {
	code := invitation(t, nil).String()
	address, rest, _ := strings.Cut(code, "#")
	parts := strings.Split(rest, ".")
	for name, bad := range map[string]string{
		"nothing":          " \n",
		"cut short":        code[:len(code)-3],
		"one letter wrong": strings.Replace(code, parts[2], "!"+parts[2][1:], 1),
		"no secret":        address + "#" + parts[0] + "." + parts[1],
		"a fifth part":     code + ".x.y",
		"a short pin":      code + ".AAAA",
		"only the address": address,
		"another page":     strings.Replace(code, "/join", "/", 1),
		"not encrypted":    strings.Replace(code, "https:", "http:", 1),
		"with a password":  strings.Replace(code, "https://", "https://a:b@", 1),
		"a path":           strings.Replace(code, "/join", "/x/join", 1),
		"no host":          "https:///join#" + rest,
		"a lookalike":      strings.Replace(code, "desk.", "dеsk.", 1), // a Cyrillic letter
		"newer":            strings.Replace(code, "#ck1.", "#ck2.", 1),
		"huge":             code + strings.Repeat("A", 5000),
		"padding bits":     code[:len(code)-1] + "_",
	} {
		_, err := wire.ParseInvitation(bad)
		if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "invitation-unreadable" || p.Why == "" || len(p.Next) == 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestInvitation_isNotLogged(t *testing.T) {
	i := invitation(t, nil)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", slog.Any("invitation", i))
	secret := i.String()[strings.LastIndex(i.String(), ".")+1:]
	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), i.ID()) {
		t.Errorf("the log says %s", &log)
	}
	if i.ID() == fmt.Sprintf("%x", i.Secret[:8]) {
		t.Error("the id gives the secret away")
	}
}

func FuzzParseInvitation(f *testing.F) {
	f.Add(invitation(f, nil).String())
	f.Add(invitation(f, bytes.Repeat([]byte{9}, 32)).String() + "\n")
	f.Add("https://[2001:db8::1]:8430/join#ck1.AAAA.BBBB")
	f.Add("http://desk.example/join")
	f.Fuzz(func(t *testing.T, code string) {
		i, err := wire.ParseInvitation(code)
		if err != nil {
			return
		}
		again, err := wire.ParseInvitation(i.String())
		if err != nil || cmp.Diff(i, again) != "" {
			t.Errorf("%q became %q: %v", code, i.String(), err)
		}
		if _, err := wire.TLSConfig(i.Desk, i.Pin); err != nil {
			t.Errorf("%q: %v", i.Desk, err)
		}
	})
}
