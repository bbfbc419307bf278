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

func TestDecodeReport_refuses(t *testing.T) {
	entry := `{"at":"2026-11-23T10:00:00Z","solved":{"code":"APP-DOWN"}}`
	finding := func(members string) string {
		return `{"at":"2026-11-23T10:00:00Z","finding":{"code":"X","severity":"notice","what":"w","since":""` + members + `}}`
	}
	entries := func(list ...string) string {
		return strings.Replace(goodReport, "["+entry+"]", "["+strings.Join(list, ",")+"]", 1)
	}
	sample := func(s string) string { return `{"at":"2026-11-23T10:00:00Z","sample":` + s + `}` }
	if _, _, err := wire.DecodeReport([]byte(entries(finding(""), sample(`{}`)))); err != nil {
		t.Fatalf("the pattern of the others is refused: %v", err)
	}
	replace := func(old, with string) string { return strings.Replace(goodReport, old, with, 1) }
	for name, bad := range map[string]string{
		"nothing":                  "",
		"null":                     "null",
		"a list":                   "[]",
		"cut":                      goodReport[:len(goodReport)-1],
		"more behind it":           goodReport + "{}",
		"unknown member":           replace(`"v":1`, `"v":1,"w":1`),
		"unknown member in entry":  entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":"X","w":1}}`),
		"member twice":             replace(`"first":7`, `"first":7,"first":8`),
		"member twice in entry":    entries(`{"at":"2026-11-23T10:00:00Z","at":"2026-11-23T10:00:00Z","solved":{"code":"X"}}`),
		"other case":               replace(`"first"`, `"First"`),
		"other version":            replace(`"v":1`, `"v":2`),
		"short box":                replace("abcdefghijkl", "abc"),
		"box with capitals":        replace("abcdefghijkl", "ABCDEFGHIJKL"),
		"no sent":                  replace(`"2026-11-23T10:00:00Z"`, `""`),
		"sent with a zone":         replace("10:00:00Z", "10:00:00+01:00"),
		"sent with fractions":      replace("10:00:00Z", "10:00:00.5Z"),
		"first is 0":               replace(`"first":7`, `"first":0`),
		"first is negative":        replace(`"first":7`, `"first":-7`),
		"first is a fraction":      replace(`"first":7`, `"first":7.5`),
		"first is huge":            replace(`"first":7`, `"first":9007199254740991`),
		"short head":               replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAA"),
		"head with padding":        replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=="),
		"head with stray bits":     replace("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB"),
		"no entries":               entries(),
		"too many entries":         entries(strings.Split(strings.Repeat(entry+"|", 60)+entry, "|")...),
		"entry without thing":      entries(`{"at":"2026-11-23T10:00:00Z"}`),
		"entry with two things":    entries(strings.Replace(finding(""), `}}`, `},"solved":{"code":"X"}}`, 1)),
		"entry without time":       entries(`{"solved":{"code":"X"}}`),
		"entry is null":            entries(`null`),
		"unknown severity":         entries(strings.Replace(finding(""), "notice", "ok", 1)),
		"no code":                  entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":""}}`),
		"long code":                entries(`{"at":"2026-11-23T10:00:00Z","solved":{"code":"` + strings.Repeat("X", 65) + `"}}`),
		"long text":                entries(finding(`,"why":"` + strings.Repeat("x", wire.MaxFindingText+1) + `"`)),
		"much to do":               entries(finding(`,"next":["1","2","3","4","5","6","7","8","9"]`)),
		"control character":        entries(finding(`,"why":"a\u0007b"`)),
		"line break":               entries(finding(`,"why":"a\nb"`)),
		"text that turns":          entries(finding(`,"why":"a\u202eb"`)),
		"not UTF-8":                entries(finding(",\"why\":\"\xff\"")),
		"half a surrogate":         entries(finding(`,"why":"\ud800"`)),
		"more run than there are":  entries(sample(`{"apps":1,"apps_up":2}`)),
		"negative uptime":          entries(sample(`{"up_s":-1}`)),
		"endless load":             entries(sample(`{"load":1e999}`)),
		"memory beyond all bounds": entries(sample(`{"mem":18446744073709551615}`)),
		"missing nothing":          entries(`{"at":"2026-11-23T10:00:00Z","missing":{"samples":0,"from":"2026-11-23T10:00:00Z","to":"2026-11-23T10:00:00Z"}}`),
		"open twice":               entries(`{"at":"2026-11-23T10:00:00Z","open":[{"code":"X","severity":"notice"},{"code":"X","severity":"notice"}]}`),
		"deep":                     strings.Repeat("[", 20_000),
	} {
		if r, _, err := wire.DecodeReport([]byte(bad)); err == nil {
			t.Errorf("%s: was read as %+v", name, r)
		}
	}
	if _, _, err := wire.DecodeReport(bytes.Repeat([]byte(" "), wire.MaxReportBytes+1)); !errors.Is(err, wire.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, _, err := wire.DecodeReport([]byte(replace(`"v":1`, `"v":2`))); !errors.Is(err, wire.ErrVersion) {
		t.Errorf("another version: %v", err)
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
		if err := tidy.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
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
			if err := e.Tidy().Check(); err != nil {
				t.Errorf("tidied: %v", err)
			}
		}
	})
}

func FuzzDecodeEnrolment(f *testing.F) {
	f.Add([]byte(`{"v":1,"invitation":"0123456789abcdef","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","mac":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","facts":{"name":"mill"}}`))
	f.Add([]byte(`{"box":"abcdefghijkl","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","desk":"d","coop":"c","pending":true,"period_s":60}`))
	f.Add([]byte(`{"ack":1,"next_s":60,"time":"2026-11-23T10:00:00Z","mac":"AAAAAAAAAAAAAAAAAAAAAA=="}`))
	f.Add([]byte(`{"v":1,"box":"abcdefghijkl","sent":"2026-11-23T10:00:00Z","reason":"we move"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if e, err := wire.DecodeEnrolment(body); err == nil && (len(e.Key) != 32 || len(e.Nonce) != 32 || len(e.MAC) != 32) {
			t.Errorf("took %+v", e)
		}
		if e, err := wire.DecodeEnrolled(body); err == nil && (len(e.Nonce) != 32 || e.PeriodS < wire.MinPeriodS) {
			t.Errorf("took %+v", e)
		}
		if a, err := wire.DecodeAck(body); err == nil && len(a.Answers) != 16 {
			t.Errorf("took %+v", a)
		}
		if l, err := wire.DecodeLeave(body); err == nil && len(l.Box) != 12 {
			t.Errorf("took %+v", l)
		}
	})
}
