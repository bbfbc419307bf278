// SPDX-License-Identifier: AGPL-3.0-or-later

// Package letter has the words of the messages that a box sends by itself: what
// happened, why, what to do next and who can do it, in the reader's language,
// with the same words for findings and problems as the pages. It knows nothing
// of when or how a message is sent. Its tests write every kind of letter in every
// language.
package letter

import (
	"embed"
	"io/fs"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/appliance/say"
	"coopkit/internal/deliver"
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
)

//go:embed messages/*.json
var files embed.FS

// Files returns the messages.
func Files() fs.FS { return files }

// Writer implements notify.Writer. The zero value is ready; the words are read
// when the first letter is written. It is safe for concurrent use.
type Writer struct {
	once   sync.Once
	bundle *locale.Bundle
	err    error
}

var _ notify.Writer = (*Writer)(nil)

// Write implements notify.Writer.
func (w *Writer) Write(lang string, l notify.Letter) (deliver.Message, error) {
	w.once.Do(func() { w.bundle, w.err = locale.New(Files(), say.Files(), webkit.Messages()) })
	if w.err != nil {
		return deliver.Message{}, w.err
	}
	p := &page{l: w.bundle.In(lang), letter: l, name: l.Box.Coop}
	if p.name == "" {
		p.name = l.Box.Name
	}
	switch l.Kind {
	case notify.LetterTest:
		p.test()
	case notify.LetterWeekly:
		p.weekly()
	default:
		p.news()
	}
	if l.Kind != notify.LetterTest {
		p.foot()
	}
	data, err := p.data()
	return deliver.Message{Subject: oneLine(p.subject), Text: p.text.String(), Link: p.link, Urgent: p.urgent, Data: data}, err
}

// page is a letter that is being written.
type page struct {
	l       *locale.Locale
	letter  notify.Letter
	name    string // of the box, for people
	subject string
	link    string
	urgent  bool
	text    strings.Builder
	entries []entry // for programs
}

func (p *page) line(text string) { p.text.WriteString(text + "\n") }

// about writes a line about text, unless there is none.
func (p *page) about(text, line string) {
	if text != "" {
		p.line(line)
	}
}

func (p *page) test() {
	p.subject = p.l.T("letter.subject.test", "box", p.name)
	p.line(p.l.T("letter.test.text", "name", p.letter.Box.Name))
	if p.letter.Code != "" {
		p.line("")
		p.line(p.l.T("letter.test.code", "code", p.letter.Code))
		p.line(p.l.T("letter.test.enter", "url", p.settings()))
		p.line("")
		p.line(p.l.T("letter.test.stranger"))
	}
}

func (p *page) news() {
	open, urgent := 0, false
	for _, e := range p.letter.Entries {
		if e.Event != notify.Over {
			open++
			urgent = urgent || e.Severity() == appliance.Critical
		}
	}
	p.urgent = urgent
	for i, e := range p.letter.Entries {
		if i > 0 {
			p.line("")
		}
		p.entry(e)
	}
	switch n := len(p.letter.Entries); {
	case n == 1:
		first := p.entries[0]
		p.subject, p.link = p.state(p.letter.Entries[0].Event, strings.TrimSuffix(first.What, ".")), first.Link
	case open == 0:
		p.subject, p.link = p.l.T("letter.subject.solved", "count", n, "box", p.name), p.letter.Box.Console+"/findings"
	default:
		p.subject, p.link = p.l.T("letter.subject.many", "count", open, "box", p.name), p.letter.Box.Console+"/findings"
	}
}

// state is the subject of a letter about one thing.
func (p *page) state(event notify.Event, title string) string {
	switch event {
	case notify.Over:
		return p.l.T("letter.subject.over", "title", title, "box", p.name)
	case notify.Worse:
		return p.l.T("letter.subject.worse", "title", title, "box", p.name)
	default:
		return p.l.T("letter.subject.news", "title", title, "box", p.name)
	}
}

func (p *page) weekly() {
	p.link = p.letter.Box.Console + "/"
	n := len(p.letter.Entries)
	if n == 0 {
		p.subject = p.l.T("letter.subject.well", "box", p.name)
		p.line(p.l.T("letter.week.well"))
	} else {
		p.subject = p.l.T("letter.subject.week", "count", n, "box", p.name)
		p.line(p.l.T("letter.week.open", "count", n))
	}
	p.line(p.l.T("letter.week.apps", "count", p.letter.Box.Apps))
	p.line(p.l.T("letter.week.sites", "count", p.letter.Box.Sites))
	for _, e := range p.letter.Entries {
		p.line("")
		p.entry(e)
	}
}

// foot says what else there is to know, and how to hear less.
func (p *page) foot() {
	if p.letter.Lost > 0 {
		p.line("")
		p.line(p.l.T("letter.lost", "count", p.letter.Lost))
	}
	if p.letter.Last {
		p.line("")
		p.line(p.l.T("letter.last"))
	}
	p.line("")
	p.line(p.link)
	p.line("-- ") // RFC 3676, section 4.3: what follows is a signature
	p.line(p.l.T("letter.foot", "name", p.letter.Box.Name, "url", p.settings()))
}

// settings is the page where the reader chooses what to be told.
func (p *page) settings() string { return p.letter.Box.Console + "/settings/messages" }

func (p *page) moment(t time.Time) string { return p.l.DateTime(t.In(p.letter.Place)) }

// oneLine makes a text fit into a head line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
