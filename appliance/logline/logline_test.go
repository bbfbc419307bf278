// SPDX-License-Identifier: AGPL-3.0-or-later

package logline

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLevelOf_theProgramsOfTheCatalogue(t *testing.T) {
	for text, want := range map[string]Level{
		`[Mon Nov 30 15:04:05.123456 2026] [php:error] [pid 12] [client 10.0.0.1:5] PHP Fatal error:  Uncaught Error`: Error,
		`[Mon Nov 30 15:04:05.1 2026] [core:notice] [pid 1] AH00094: Command line: 'apache2 -D FOREGROUND'`:           Info,
		`AH00558: apache2: Could not reliably determine the server's fully qualified domain name`:                     Unknown,
		`PHP Warning:  Undefined array key "x" in /var/www/html/a.php on line 3`:                                      Warning,
		`PHP Notice:  something`: Info,
		`2026-11-30 15:04:05 0 [Note] mariadbd: ready for connections.`:                                  Info,
		`2026-11-30 15:04:05 3 [Warning] Aborted connection 3 to db: 'wp'`:                               Warning,
		`2026-11-30 15:04:05 0 [ERROR] InnoDB: Cannot open '/var/lib/mysql/ibdata1'`:                     Error,
		`2026/11/30 15:04:05 [error] 7#7: *1 open() "/x" failed`:                                         Error,
		`[2026-11-30 15:04:05 +0000] [1] [INFO] Starting Radicale`:                                       Info,
		`[2026-11-30 15:04:05 +0000] [1] [WARNING] Failed login attempt`:                                 Warning,
		`Traceback (most recent call last):`:                                                             Error,
		`ERROR:root:no`:                                                                                  Error,
		`time=2026-11-30T15:04:05Z level=warn msg="x"`:                                                   Warning,
		`{"time":"x","level":"error","msg":"y"}`:                                                         Error,
		`10.0.0.1 - - [30/Nov/2026:15:04:05 +0000] "GET /error-handling HTTP/1.1" 200 12 "-" "curl"`:     Info,
		`10.0.0.1 - - [30/Nov/2026:15:04:05 +0000] "GET /nothing HTTP/1.1" 404 12 "-" "curl"`:            Info,
		`10.0.0.1 - - [30/Nov/2026:15:04:05 +0000] "POST /wp-login.php HTTP/1.1" 502 12 "-" "Firefox/1"`: Error,
		`serving`: Unknown, ``: Unknown, `no error here`: Unknown,
	} {
		if got := LevelOf(text); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestAtLeast(t *testing.T) {
	if !Unknown.AtLeast("") || !Info.AtLeast(Unknown) || Info.AtLeast(Warning) || !Error.AtLeast(Warning) || Unknown.AtLeast(Info) || Warning.AtLeast(Error) {
		t.Error("the order of levels is wrong")
	}
}

func TestParse_readsWhatStampedWrites(t *testing.T) {
	at := time.Date(2026, 11, 30, 15, 4, 5, 123456789, time.UTC)
	for _, text := range []string{"a | b", "", "  two", "x"} {
		l := Line{at, "db", text}
		if got, ok := Parse(l.Stamped() + "\n"); !ok || !got.At.Equal(at) || got.Service != "db" || got.Text != text {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
	for _, bad := range []string{"", "db", "db | text", "db | 2026 text"} {
		if _, ok := Parse(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestClean_leavesWhatPeopleCanRead(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[31mred\x1b[0m\x07 b\r": "ared b", "\x1b]0;title\x07x": "x", "t\tab \xff": "t\tab \uFFFD", "\x1b[2K\x1b[1Gok": "ok", "50 % [31m": "50 % [31m",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := Clean(strings.Repeat("é", 5000)); len(got) > longest+3 || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m")
	f.Add("\x1b]8;;http://x\x1b\\")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Clean(text); !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\n\r\x00") {
			t.Errorf("%q became %q", text, got)
		}
	})
}
