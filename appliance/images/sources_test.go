// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coopkit/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

const deb822 = `# the usual
Types: deb deb-src
URIs: http://mirror.example/debian/ http://second.example/debian
Suites: bookworm
 bookworm-updates
# a comment in the middle
Components: main contrib

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Enabled: yes

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`

// usual is where the tests look when the sources do not say.
const usual = "http://usual.example/debian"

func TestUsualMirror_isDebootstraps(t *testing.T) {
	testkit.NeedProgram(t, "debootstrap")
	if got := usualMirror(); !strings.HasPrefix(got, "http") || !strings.HasSuffix(got, "/debian") {
		t.Errorf("debootstrap's own mirror is %q", got)
	}
}

func TestMirrors_areThoseOfTheHost(t *testing.T) {
	for name, c := range map[string]struct{ file, text, archive, security string }{
		"deb822": {"debian.sources", deb822, "http://mirror.example/debian", "http://security.example/debian-security"},
		"one line": {
			"sources.list", "deb [arch=amd64 signed-by=/k.gpg] https://m.example/d bookworm main # why\ndeb-src http://x.example/d bookworm main\n",
			"https://m.example/d", usual + "-security",
		},
		"another Debian release": {"sources.list", "deb http://m.example/d trixie main\n", "http://m.example/d", usual + "-security"},
		"another system":         {"sources.list", "deb http://archive.example/ubuntu noble main\n", usual, usual + "-security"},
		"not for containers": {
			"sources.list", "deb http://127.0.0.1:3142/debian bookworm main\ndeb file:/mnt bookworm main\ndeb http://u:p@m.example/d bookworm main\ndeb cdrom:[x] bookworm main\n",
			usual, usual + "-security",
		},
		"nothing": {"sources.list", "", usual, usual + "-security"},
	} {
		archive, security := mirrors(parseSources(c.file, c.text), "bookworm", usual)
		if archive != c.archive || security != c.security {
			t.Errorf("%s: %s, %s", name, archive, security)
		}
	}
}

func TestAptHost_carriesOverWhatABuildNeeds(t *testing.T) {
	dir := t.TempDir()
	hosts := filepath.Join(dir, "hosts")
	if err := os.MkdirAll(filepath.Join(dir, "sources.list.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		hosts: "127.0.0.1 localhost\n192.0.2.7 other mirror.example # here\n",
		filepath.Join(dir, "sources.list.d", "debian.sources"): deb822,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := Apt{Dir: dir, Hosts: hosts, Config: func(context.Context) (string, error) {
		return `Acquire "";
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::https::Proxy "http://127.0.0.1:3142";
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke:: "rm -rf /";
`, nil
	}}.withDefaults()
	got, err := a.host(t.Context(), "bookworm")
	if err != nil {
		t.Fatal(err)
	}
	want := packageHost{
		archive: "http://mirror.example/debian", security: "http://security.example/debian-security",
		conf:  []string{`Acquire::Check-Valid-Until "false";`, `Acquire::http::Proxy "http://proxy.example:3142";`},
		proxy: "http://proxy.example:3142", hosts: map[string]string{"mirror.example": "192.0.2.7"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(packageHost{})); d != "" {
		t.Error(d)
	}
}

func FuzzParseSources(f *testing.F) {
	f.Add("debian.sources", deb822)
	f.Add("sources.list", "deb [arch=amd64] http://m.example/d bookworm main contrib\n# deb http://no.example x main\n")
	f.Add("a.sources", "Types: deb\n x\n\n:\n \nURIs:\n")
	f.Add("a.list", "deb [ http://m.example bookworm main\ndeb\ndebx y z\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		for _, s := range parseSources(name, text) {
			if s.uri == "" || len(s.suites) == 0 || len(s.components) == 0 {
				t.Errorf("an entry without a part: %+v", s)
			}
			if strings.ContainsAny(s.uri, " \t\n") {
				t.Errorf("a URI with a space: %q", s.uri)
			}
		}
		archive, security := mirrors(parseSources(name, text), "bookworm", usual)
		if !usableByContainers(archive) || !usableByContainers(security) {
			t.Errorf("not usable: %q, %q", archive, security)
		}
	})
}

func FuzzPrepareDockerfile(f *testing.F) {
	f.Add("ARG BASE\nFROM ${BASE}\nRUN true\n")
	f.Add("from coopkit/debian-base:x as a\nFROM a\n")
	f.Add("FROM scratch\n")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := prepareDockerfile(text, "sha256:base", "k")
		if err != nil {
			return
		}
		if !strings.Contains(out, "FROM sha256:base") && !strings.Contains(out, "from sha256:base") {
			t.Errorf("it is not built on the base: %q", out)
		}
	})
}
