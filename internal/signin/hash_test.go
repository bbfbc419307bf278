// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"strings"
	"testing"
)

func TestHash_isArgon2idAsOthersComputeIt(t *testing.T) {
	h := newHasher()
	// Made with the command argon2 of Debian:
	//   echo -n "correct horse" | argon2 somesalt -id -t 2 -k 19456 -p 1 -l 32 -e
	const other = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$YcJRdAHXGYvVS9oxrmGE2PWNls1pxO2wCxHyCPxEXAY"
	if right, stale, err := h.verify(other, "correct horse"); err != nil || !right || stale {
		t.Errorf("right %t, stale %t, %v", right, stale, err)
	}
	if right, _, err := h.verify(other, "correct horse "); err != nil || right {
		t.Errorf("a wrong password: %t, %v", right, err)
	}
	ours := h.hash("correct horse")
	if !strings.HasPrefix(ours, "$argon2id$v=19$m=19456,t=2,p=1$") || ours == h.hash("correct horse") {
		t.Errorf("ours is %s, each time", ours)
	}
}

func TestParsePHC_refusesWhatWeDidNotWrite(t *testing.T) {
	const salt, key = "c2FsdHNhbHQ", "a2V5a2V5a2V5a2V5a2V5a2V5"
	if _, err := parsePHC("$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "$", "plain",
		"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"x$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=019456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1,x=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=99,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=256$" + salt + "$" + key,
		"$argon2id$v=19$m=7,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$c2E$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$c2E",
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key + "=",
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("a2V5", 30),
	} {
		if h, err := parsePHC(text); err == nil {
			t.Errorf("%q is %+v", text, h)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=+64,t= 1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePHC(text)
		if err != nil {
			return
		}
		if h.String() != text {
			t.Errorf("%q became %q", text, h)
		}
		if h.memoryKiB > 256*1024 || h.passes == 0 || h.passes > 16 || h.lanes == 0 || h.lanes > 16 {
			t.Errorf("%q: a box cannot compute this", text)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := newHasher()
	b.ReportAllocs()
	for b.Loop() {
		h.hash(good)
	}
}
