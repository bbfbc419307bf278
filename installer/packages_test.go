// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coopkit/internal/testkit"
)

// TestPackages makes the packages of every architecture twice.
func TestPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program six times")
	}
	for _, compiler := range []string{"x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"} {
		testkit.NeedProgram(t, compiler)
	}
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		pack(t, release{dir: dir, arch: ""}, "1.0.0", "")
	}
	t.Run("the same bytes twice", func(t *testing.T) {
		one, two := sums(t, first), sums(t, second)
		if one != two {
			t.Errorf("first:\n%ssecond:\n%s", one, two)
		}
		if n := strings.Count(one, "\n"); n != 7 { // three of each, and install.sh
			t.Errorf("%d files in SHA256SUMS:\n%s", n, one)
		}
		host(t, "sh", "-c", "cd "+first+" && sha256sum --check --strict SHA256SUMS")
	})
	for arch, emulator := range map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static", "armhf": "qemu-arm-static"} {
		t.Run(arch, func(t *testing.T) {
			deb := filepath.Join(first, "coopkit_1.0.0_"+arch+".deb")
			if got := host(t, "dpkg-deb", "--field", deb, "Architecture"); got != arch {
				t.Errorf("the package is for %s", got)
			}
			unpacked := t.TempDir()
			host(t, "dpkg-deb", "--extract", deb, unpacked)
			program := filepath.Join(unpacked, "usr/bin/coopkit")
			static(t, program)
			contains(t, host(t, testkit.NeedProgram(t, emulator), program, "version"), "coopkit:", "linux/"+strings.TrimSuffix(arch, "hf"))
		})
	}
}

func sums(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// static fails unless a program needs no library of the machine that it runs on.
func static(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs the libraries of the machine")
		}
	}
}
