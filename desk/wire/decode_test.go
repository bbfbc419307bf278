// SPDX-License-Identifier: AGPL-3.0-or-later

package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk/wire"
)

const goodReport = `{"v":1,"box":"abcdefghijkl","sent":"2026-11-23T10:00:00Z","first":7,"prev":"AAAAAAAAAAAAAAAAAAAAAA","entries":[{"at":"2026-11-23T10:00:00Z","solved":{"code":"APP-DOWN"}}]}`

func TestDecodeReport_givesTheBytesOfEachEntry(t *testing.T) {
	spaced := strings.Replace(goodReport, `"solved":{`, `"solved" : { `, 1)
	r, entries, err := wire.DecodeReport([]byte(spaced))
	if err != nil || r.First != 7 || r.Last() != 7 || len(entries) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if !strings.Contains(spaced, string(entries[0])) || !bytes.Contains(entries[0], []byte(`"solved" : { `)) {
		t.Errorf("the entry's bytes are %s", entries[0])
	}
	if r.Previous.After(entries[0]) == r.Previous.After([]byte(`{}`)) {
		t.Error("different entries give the same head")
	}
}

const entry = `{"at":"2026-11-23T10:00:00Z","solved":{"code":"APP-DOWN"}}`

func finding(members string) string {
	return `{"at":"2026-11-23T10:00:00Z","finding":{"code":"X","severity":"notice","what":"w","since":""` + members + `}}`
}

func sample(s string) string { return `{"at":"2026-11-23T10:00:00Z","sample":` + s + `}` }

func replace(old, with string) string { return strings.Replace(goodReport, old, with, 1) }

func entries(list ...string) string { return replace("["+entry+"]", "["+strings.Join(list, ",")+"]") }

func TestDecodeReport_refuses(t *testing.T) {
	if _, _, err := wire.DecodeReport([]byte(entries(finding(""), sample(`{}`)))); err != nil {
		t.Fatalf("the pattern of the others is refused: %v", err)
	}
	for name, bad := range map[string]string{
		"nothing":               "",
		"null":                  "null",
		"a list":                "[]",
		"cut":                   goodReport[:len(goodReport)-1],
		"more behind it":        goodReport + "{}",
		"no version":            replace(`"v":1`, `"v":0`),
		"member twice":          replace(`"first":7`, `"first":7,"first":8`),
		"member twice in entry": entries(`{"at":"2026-11-23T10:00:00Z","at":"2026-11-23T10:00:00Z","solved":{"code":"X"}}`),
		"other case":            replace(`"first"`, `"First"`),
		"other version":         replace(`"v":1`, `"v":2`),
		"short box":             replace("abcdefghijkl", "abc"),
		"box with capitals":     replace("abcdefghijkl", "ABCDEFGHIJKL"),
		"no sent":               replace(`"2026-11-23T10:00:00Z"`, `""`),
		"sent with a zone":      replace("10:00:00Z", "10:00:00+01:00"),
		"sent with fractions":   replace("10:00:00Z", "10:00:00.5Z"),
		"first is 0":            replace(`"first":7`, `"first":0`),
		"first is negative":     replace(`"first":7`, `"first":-7`),
		"first is a fraction":   replace(`"first":7`, `"first":7.5`),
		"first is huge":         replace(`"first":7`, `"first":9007199254740991`),
		"short head":            replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAA"),
		"head with padding":     replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=="),
		"head with stray bits":  replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB"),
		"no entries":            entries(),
		"too many entries":      entries(strings.Split(strings.Repeat(entry+"|", 60)+entry, "|")...),
		"entry with two things": entries(strings.Replace(finding(""), `}}`, `},"solved":{"code":"X"}}`, 1)),
		"entry without time":    entries(`{"solved":{"code":"X"}}`),
		"entry is null":         entries(`null`),
		"no code":               entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":""}}`),
		"not UTF-8":             entries(finding(",\"why\":\"\xff\"")),
		"half a surrogate":      entries(finding(`,"why":"\ud800"`)),
		"endless load":          entries(sample(`{"load":1e999}`)),
		"deep":                  strings.Repeat("[", 20_000),
	} {
		if r, _, err := wire.DecodeReport([]byte(bad)); err == nil {
			t.Errorf("%s: was read as %+v", name, r)
		}
	}
	if _, _, err := wire.DecodeReport(bytes.Repeat([]byte(" "), wire.MaxReportBytes+1)); !errors.Is(err, wire.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	for _, other := range []string{replace(`"v":1`, `"v":2`), replace(`"v":1,"box":"abcdefghijkl"`, `"v":2,"box":7`)} {
		_, _, err := wire.DecodeReport([]byte(other))
		if _, ok := errors.AsType[*wire.VersionError](err); !ok {
			t.Errorf("another version, %s: %v", other, err)
		}
	}
}

// TestDecodeReport_takesWhatANewerBoxSays: each is read as if its sender knew no
// more than this program, and its bytes are those that were signed.
func TestDecodeReport_takesWhatANewerBoxSays(t *testing.T) {
	now := wire.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	plain := func(change func(f *wire.Finding)) wire.Entry {
		f := wire.Finding{FindingName: wire.FindingName{Code: "X"}, Severity: "notice", What: "w"}
		change(&f)
		return wire.Entry{At: now, Finding: &f}
	}
	long := strings.Repeat("x", wire.MaxFindingText+1)
	for name, tt := range map[string]struct {
		report string
		want   wire.Entry
	}{
		"member of the report":    {replace(`"v":1`, `"w":{"a":[1]},"v":1`), wire.Entry{At: now, Solved: &wire.FindingName{Code: "APP-DOWN"}}},
		"member of an entry":      {entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":"APP-DOWN"},"by":"ana"}`), wire.Entry{At: now, Solved: &wire.FindingName{Code: "APP-DOWN"}}},
		"member of a thing":       {entries(finding(`,"weight":3`)), plain(func(*wire.Finding) {})},
		"kind of entry":           {entries(`{"at":"2026-11-23T10:00:00Z","rehearsal":{"ok":true}}`), wire.Entry{At: now}},
		"severity":                {entries(strings.Replace(finding(""), "notice", "urgent", 1)), plain(func(f *wire.Finding) { f.Severity = "warning" })},
		"longer text":             {entries(finding(`,"why":"` + long + `"`)), plain(func(f *wire.Finding) { f.Why = long[:wire.MaxFindingText-3] + "…" })},
		"longer code":             {entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":"` + long + `"}}`), wire.Entry{At: now, Solved: &wire.FindingName{Code: long[:61] + "…"}}},
		"more to do":              {entries(finding(`,"next":["1","2","3","4","5","6","7","8","9"]`)), plain(func(f *wire.Finding) { f.Next = strings.Fields("1 2 3 4 5 6 7 8") })},
		"value with another name": {entries(finding(`,"args":{"a-b":"c","host":"d"}`)), plain(func(f *wire.Finding) { f.Args = map[string]string{"host": "d"} })},
		"what does not print":     {entries(finding(`,"why":"a\u0007b\nc\u202ed"`)), plain(func(f *wire.Finding) { f.Why = "a b c d" })},
		"numbers out of range": {
			entries(sample(`{"up_s":-1,"load":-0.5,"mem":18446744073709551615,"apps":1,"apps_up":2}`)),
			wire.Entry{At: now, Sample: &wire.Sample{Memory: 1<<53 - 1, Apps: 1, AppsUp: 1}},
		},
		"state of an app": {
			entries(`{"at":"2026-11-23T10:00:00Z","facts":{"name":"mill","installs":[{"name":"a","state":"rehearsing"}]}}`),
			wire.Entry{At: now, Facts: &wire.Facts{Name: "mill", Installs: []wire.Install{{Name: "a", State: "rehearsing"}}}},
		},
		"finding that is open twice": {
			entries(`{"at":"2026-11-23T10:00:00Z","open":[{"code":"X","severity":"notice"},{"code":"X","severity":"critical"}]}`),
			wire.Entry{At: now, Open: &[]wire.Finding{{FindingName: wire.FindingName{Code: "X"}, Severity: "notice"}}},
		},
	} {
		r, raw, err := wire.DecodeReport([]byte(tt.report))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]wire.Entry{tt.want}, r.Entries); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !strings.Contains(tt.report, "["+string(raw[0])+"]") {
			t.Errorf("%s: its bytes are %s", name, raw[0])
		}
	}
}

func TestAgree(t *testing.T) {
	for _, tt := range []struct {
		box, desk wire.Versions
		want      int
		older     string
	}{
		{wire.Versions{Min: 1, Max: 1}, wire.Versions{Min: 1, Max: 1}, 1, ""},
		{wire.Versions{Min: 1, Max: 3}, wire.Versions{Min: 1, Max: 2}, 2, ""},
		{wire.Versions{Min: 2, Max: 2}, wire.Versions{Min: 1, Max: 4}, 2, ""},
		{wire.Versions{Min: 1, Max: 2}, wire.Versions{Min: 2, Max: 3}, 2, ""},
		{wire.Versions{Min: 1, Max: 1}, wire.Versions{Min: 2, Max: 3}, 0, "box"},
		{wire.Versions{Min: 3, Max: 4}, wire.Versions{Min: 1, Max: 2}, 0, "desk"},
	} {
		got, err := wire.Agree(tt.box, tt.desk)
		v, refused := errors.AsType[*wire.VersionError](err)
		if got != tt.want || refused != (tt.older != "") || refused && v.Older() != tt.older {
			t.Errorf("%v and %v agree on %d, %v", tt.box, tt.desk, got, err)
		}
	}
}

const goodEnrolment = `{"v":1,"invitation":"0123456789abcdef","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","mac":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","facts":{"name":"mill"}}`

func TestDecodeEnrolment_ofOtherVersions(t *testing.T) {
	for change, older := range map[string]string{
		`"v":1`:                       "",
		`"v":1,"v_max":7`:             "",
		`"v":1,"v_max":2,"locale":{}`: "",
		`"v":2`:                       "desk",
		`"v":2,"v_max":7,"key":{}`:    "desk", // whatever else is not understood
	} {
		text := strings.Replace(goodEnrolment, `"v":1`, change, 1)
		if strings.Contains(change, "key") {
			text = strings.Replace(text, `"key":"`, `"old":"`, 1)
		}
		_, err := wire.DecodeEnrolment([]byte(text))
		v, refused := errors.AsType[*wire.VersionError](err)
		if refused != (older != "") || refused && v.Older() != older || !refused && err != nil {
			t.Errorf("%s: %v; want that the %s is older", change, err, older)
		}
	}
	answer := `{"box":"abcdefghijkl","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","desk":"d","coop":"c","pending":true,"period_s":60,"rings":["early"]}`
	if e, err := wire.DecodeEnrolled([]byte(answer)); err != nil || e.Version != 1 || !e.Pending {
		t.Errorf("the answer of a newer desk is %+v, %v", e, err)
	}
	_, err := wire.DecodeEnrolled([]byte(strings.Replace(answer, `{`, `{"v":2,`, 1)))
	if v, ok := errors.AsType[*wire.VersionError](err); !ok || v.Older() != "box" {
		t.Errorf("the answer of a desk that went on in another version: %v", err)
	}
}

func TestOpenAck_coversEveryByte(t *testing.T) {
	link, body := [32]byte{7}, []byte(goodReport)
	sealed, err := wire.SealAck(link, body, wire.Ack{Ack: 7, NextS: 60, Time: wire.At(time.Unix(1e9, 0))})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := wire.OpenAck(link, body, sealed); err != nil || a.Ack != 7 || a.NextS != 60 {
		t.Errorf("got %+v, %v", a, err)
	}
	for name, forged := range map[string][]byte{
		"other number":     bytes.Replace(sealed, []byte(`"ack":7`), []byte(`"ack":8`), 1),
		"member added":     bytes.Replace(sealed, []byte(`{`), []byte(`{"roster":1,`), 1),
		"white space":      bytes.Replace(sealed, []byte(`{`), []byte(`{ `), 1),
		"member behind it": append(bytes.Clone(sealed[:len(sealed)-1]), `,"x":1}`...),
		"proof in a text":  append(bytes.Clone(sealed[:len(sealed)-1]), `,"x":"\"mac\":\""}`...),
		"no proof":         []byte(`{"ack":7,"next_s":60,"time":"2001-09-09T01:46:40Z","mac":null}`),
		"proof cut":        bytes.Replace(sealed, []byte(`=="}`), []byte(`"}`), 1),
	} {
		if a, err := wire.OpenAck(link, body, forged); err == nil {
			t.Errorf("%s: took %+v", name, a)
		}
	}
	for name, open := range map[string]func() (wire.Ack, error){
		"other report": func() (wire.Ack, error) { return wire.OpenAck(link, []byte("other"), sealed) },
		"other desk":   func() (wire.Ack, error) { return wire.OpenAck([32]byte{8}, body, sealed) },
	} {
		if _, err := open(); !errors.Is(err, wire.ErrNotProven) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTidy_makesWhatTheDeskTakes(t *testing.T) {
	long, now := strings.Repeat("é\n", 500), wire.At(time.Now())
	finding := wire.Finding{
		FindingName: wire.FindingName{Code: long, Subject: long}, Severity: "critical", What: "\xff" + long, Why: long, Who: long,
		Next: strings.Split(strings.Repeat(long+"|", 30), "|"), Since: now,
	}
	var open []wire.Finding
	facts := wire.Facts{Name: long, CPUs: -1, Memory: math.MaxUint64}
	for i := range 250 {
		f := finding
		f.Code = fmt.Sprint("CODE-", i)
		open = append(open, f, f)
		facts.Installs = append(facts.Installs, wire.Install{Name: long, Host: long})
		facts.Sites = append(facts.Sites, wire.Site{Host: long})
		facts.Certificates = append(facts.Certificates, wire.Certificate{Host: long, Issuer: long})
	}
	for name, e := range map[string]wire.Entry{
		"finding": {At: now, Finding: &finding},
		"solved":  {At: now, Solved: &finding.FindingName},
		"open":    {At: now, Open: &open},
		"facts":   {At: now, Facts: &facts},
		"sample":  {At: now, Sample: &wire.Sample{UptimeS: -1, Load: math.NaN(), Memory: math.MaxUint64, Apps: 1, AppsUp: 3}},
	} {
		tidy := e.Tidy()
		b, err := wire.Encode(tidy)
		if err != nil || len(b) > wire.MaxEntryBytes {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if diff := cmp.Diff(tidy, tidy.Tidy()); diff != "" {
			t.Errorf("%s: tidied twice it differs: %s", name, diff)
		}
	}
	if tidy := (wire.Entry{At: now, Open: &open}).Tidy(); len(*tidy.Open) == 0 || (*tidy.Open)[0].Why == "" && len(*tidy.Open) > 50 {
		t.Errorf("%d findings are left, the first with %q", len(*tidy.Open), (*tidy.Open)[0].Why)
	}
	if len(open[0].Next) != 31 {
		t.Error("the box's own finding was changed")
	}
}

func FuzzDecodeReport(f *testing.F) {
	f.Add([]byte(goodReport))
	f.Add([]byte(strings.Replace(goodReport, `"solved":{"code":"APP-DOWN"}`, `"open":[{"code":"X","subject":"y","severity":"critical","what":"w","next":["n"],"since":"2026-11-23T10:00:00Z"}]`, 1)))
	f.Add([]byte(strings.Replace(goodReport, `"solved":{"code":"APP-DOWN"}`, `"sample":{"up_s":1,"load":0.5,"mem":1,"mem_used":1,"disk":1,"disk_used":1,"apps":1,"apps_up":1}`, 1)))
	f.Add([]byte(strings.Replace(goodReport, `"solved":{"code":"APP-DOWN"}`, `"facts":{"name":"mill","backup":{"last":"2026-11-23T10:00:00Z"}}`, 1)))
	f.Add([]byte(entries(`{"at":"2026-11-23T10:00:00Z","rehearsal":{"ok":true},"by":"ana"}`, strings.Replace(finding(`,"weight":3`), "notice", "urgent", 1))))
	f.Add([]byte(entries(finding(`,"why":"a\u0007b\u202ec","next":["1","2","3","4","5","6","7","8","9"]`))))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, entries, err := wire.DecodeReport(body)
		if err != nil {
			return
		}
		if len(entries) != len(r.Entries) || r.Last() < r.First {
			t.Fatalf("%d entries, their bytes %d", len(r.Entries), len(entries))
		}
		again, err := wire.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > wire.MaxReportBytes {
			return // what is written out can be longer than what was read
		}
		r2, _, err := wire.DecodeReport(again)
		if err != nil {
			t.Fatalf("%s\nwritten again: %s\n%v", body, again, err)
		}
		third, err := wire.Encode(r2)
		if err != nil || !bytes.Equal(again, third) {
			t.Errorf("%s\nbecame %s, %v", again, third, err)
		}
		for _, e := range r.Entries {
			if diff := cmp.Diff(e, e.Tidy()); diff != "" {
				t.Errorf("what was read is not tidy: %s", diff)
			}
		}
	})
}

func FuzzDecodeEnrolment(f *testing.F) {
	f.Add([]byte(goodEnrolment))
	f.Add([]byte(strings.Replace(goodEnrolment, `"v":1`, `"v":1,"v_max":2,"locale":"es"`, 1)))
	f.Add([]byte(`{"box":"abcdefghijkl","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","desk":"d","coop":"c","pending":true,"period_s":60}`))
	f.Add([]byte(`{"ack":1,"next_s":60,"time":"2026-11-23T10:00:00Z","mac":"AAAAAAAAAAAAAAAAAAAAAA=="}`))
	f.Add([]byte(`{"v":1,"box":"abcdefghijkl","sent":"2026-11-23T10:00:00Z","reason":"we move"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if e, err := wire.DecodeEnrolment(body); err == nil && (len(e.Key) != 32 || len(e.Nonce) != 32 || len(e.MAC) != 32) {
			t.Errorf("took %+v", e)
		}
		if e, err := wire.DecodeEnrolled(body); err == nil && (len(e.Nonce) != 32 || e.Version != wire.Version) {
			t.Errorf("took %+v", e)
		}
		if a, err := wire.OpenAck([32]byte{}, nil, body); err == nil {
			t.Errorf("took %+v", a)
		}
		if l, err := wire.DecodeLeave(body); err == nil && len(l.Box) != 12 {
			t.Errorf("took %+v", l)
		}
	})
}
