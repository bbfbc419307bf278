// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Headings that README.md has, in this order, so that members find the same
// answers in the same place for every app.
var readmeHeadings = []string{"What it is", "Needs", "Data and backup", "Addresses", "Upgrades", "Known limits"}

func (l *linter) checkReadme(data []byte) {
	if data == nil {
		return
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("# ")) {
		l.issues.add(readmeFile, &node{line: 1, column: 1}, "readme", "README.md does not begin with the app's name as its title", `begin with "# Name"`)
	}
	rest := string(data)
	for _, heading := range readmeHeadings {
		_, after, found := strings.Cut(rest, "\n## "+heading+"\n")
		if !found {
			l.issues.add(readmeFile, nil, "readme", fmt.Sprintf("README.md has no section %q, or not in its place", heading),
				"add the sections in this order: "+strings.Join(readmeHeadings, ", "))
			continue
		}
		rest = after
	}
}

// checkIcon makes sure that the icon can be shown in a page: a drawing without
// scripts and without anything fetched from elsewhere.
func (l *linter) checkIcon(data []byte) {
	if data == nil {
		return
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	wrong := func(what string) {
		line, column := d.InputPos()
		l.issues.add(iconFile, &node{line: line, column: column}, "icon", what, "draw the icon with plain SVG shapes, 64 by 64")
	}
	for root := true; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if root {
				wrong("the icon is empty")
			}
			return
		}
		if err != nil {
			wrong("the icon is not valid XML")
			return
		}
		switch t := t.(type) {
		case xml.Directive:
			wrong("the icon has a document type")
			return
		case xml.StartElement:
			if root && t.Name.Local != "svg" {
				wrong("the icon is not an SVG drawing")
				return
			}
			root = false
			if bad := activeContent(t); bad != "" {
				wrong("the icon may not have " + bad)
				return
			}
		}
	}
}

// activeContent returns what of an element would run or fetch something.
func activeContent(e xml.StartElement) string {
	switch strings.ToLower(e.Name.Local) {
	case "script", "foreignobject", "iframe", "style", "image", "animate", "set", "handler":
		return "<" + e.Name.Local + ">"
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.TrimSpace(a.Value))
		switch {
		case strings.HasPrefix(name, "on"), name == "style":
			return "the attribute " + a.Name.Local
		case name == "href" && !strings.HasPrefix(value, "#"), strings.Contains(value, "url(") && !strings.Contains(value, "url(#"):
			return "a link to elsewhere"
		}
	}
	return ""
}

// checkImages compares the services with where their images come from.
func (l *linter) checkImages() {
	for service, source := range l.recipe.Images {
		at := "images/" + service
		l.checkService(at, service)
		if source.Debian == "" {
			continue
		}
		if source.Debian != path.Base(source.Debian) || strings.HasPrefix(source.Debian, ".") {
			l.wrong(at+"/debian", "debian-folder", "debian names a folder below debian/", "write the folder's name alone")
			continue
		}
		l.checkDockerfile(at+"/debian", path.Join("debian", source.Debian, "Dockerfile"))
	}
}

// checkDockerfile makes sure that an image is built on our base and nothing
// else: FROM appears once, and names the base that the builder passes.
func (l *linter) checkDockerfile(at, name string) {
	data, err := fs.ReadFile(l.fsys, name)
	if err != nil {
		l.wrong(at, "debian-folder", "there is no "+name, "add the Dockerfile, or remove debian")
		return
	}
	line, froms, arg := 0, 0, false
	for scan := bufio.NewScanner(bytes.NewReader(data)); scan.Scan(); {
		line++
		words := strings.Fields(scan.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch strings.ToUpper(words[0]) {
		case "ARG":
			arg = arg || (len(words) == 2 && words[1] == "BASE")
		case "FROM":
			froms++
			if froms > 1 || !arg || len(words) != 2 || words[1] != "${BASE}" {
				l.issues.add(name, &node{line: line, column: 1}, "debian-base", "the image is not built on the base from Debian alone", "begin with ARG BASE and FROM ${BASE}, and use no other FROM")
			}
		}
	}
	if froms == 0 {
		l.issues.add(name, nil, "debian-base", "the Dockerfile has no FROM", "begin with ARG BASE and FROM ${BASE}")
	}
}
