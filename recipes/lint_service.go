// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (l *linter) checkCapabilities(_ string, n *node) {
	for _, item := range n.items {
		if !slices.Contains(capabilities, item.text()) {
			l.bad(item, "capability", fmt.Sprintf("an app may not have the capability %q", item.text()), "use only: "+strings.Join(capabilities, ", "))
		}
	}
}

func (l *linter) checkRestart(_ string, n *node) {
	if v := n.text(); v != "no" && v != "unless-stopped" {
		l.bad(n, "restart", fmt.Sprintf("recipes do not use the restart policy %q", v), `leave it out, or use "no" for a service that runs once`)
	}
}

func (l *linter) checkTmpfs(_ string, n *node) {
	items := n.items
	if n.kind == scalar {
		items = []*node{n}
	}
	for _, item := range items {
		if !strings.HasPrefix(item.text(), "/") || strings.Contains(item.text(), ":") {
			l.bad(item, "mount", "a tmpfs is a path in the container, without options", "write a path such as /tmp")
		}
	}
}

func (l *linter) checkEnvironment(_ string, n *node) {
	if n.kind != mapping {
		l.bad(n, "environment", "environment is not a mapping", "write NAME: value, one a line")
		return
	}
	for _, name := range n.names() {
		switch v := n.fields[name]; {
		case v.kind != scalar || v.value == nil:
			l.bad(v, "environment", fmt.Sprintf("%s has no value: it would come from the box's own environment", name), `write the value, or "" for an empty one`)
		case v.written != "" && v.written != v.text():
			l.bad(v, "environment", fmt.Sprintf("%s is a number that YAML reads as %s", name, v.text()), fmt.Sprintf("quote it: %q", v.written))
		}
	}
}

func (l *linter) checkDependsOn(service string, n *node) {
	services := l.compose.fields["services"]
	for _, on := range dependencies(n) {
		at := n.key(on)
		if services.fields[on] == nil || on == service {
			l.bad(at, "service-unknown", fmt.Sprintf("%q cannot depend on %q%s", service, on, didYouMean(on, services.names())), "name another service of this file")
			continue
		}
		entry := n.fields[on]
		if entry == nil {
			continue
		}
		for _, key := range entry.names() {
			if key != "condition" {
				l.bad(entry.key(key), "depends-on", fmt.Sprintf("recipes do not use %q in depends_on", key), "use condition alone")
			}
		}
		switch Condition(entry.at("condition").text()) {
		case Healthy:
			if check := services.fields[on].fields["healthcheck"]; check == nil || switchedOff(check) {
				l.bad(at, "depends-on", fmt.Sprintf("%q waits for %q to be healthy, which has no healthcheck", service, on), "add a healthcheck to it")
			}
		case CompletedSuccessfully:
			if services.fields[on].at("restart").text() != "no" {
				l.bad(at, "depends-on", fmt.Sprintf("%q waits for %q to end, which starts again each time", service, on), `give it restart: "no"`)
			}
		default: // compose-go checks the word itself
		}
	}
}

// dependencies returns the names in depends_on, a list or a mapping.
func dependencies(n *node) []string {
	if n == nil {
		return nil
	}
	if n.kind == mapping {
		return n.names()
	}
	var names []string
	for _, item := range n.items {
		names = append(names, item.text())
	}
	return names
}

// checkCycles reports services that wait for each other.
func (l *linter) checkCycles(services *node) {
	left := map[string][]string{}
	for _, name := range services.names() {
		left[name] = dependencies(services.fields[name].fields["depends_on"])
	}
	for {
		ready := 0
		for name, on := range left {
			if !slices.ContainsFunc(on, func(d string) bool { _, waits := left[d]; return waits && d != name }) {
				delete(left, name)
				ready++
			}
		}
		if ready == 0 {
			break
		}
	}
	if len(left) > 0 {
		names := slices.Sorted(maps.Keys(left))
		l.bad(services.key(names[0]), "dependency-cycle", "these services wait for each other: "+strings.Join(names, ", "), "remove one of the depends_on")
	}
}

func (l *linter) checkConfigRefs(_ string, n *node) {
	configs := l.compose.fields["configs"]
	for _, item := range n.items {
		source := item.text()
		if item.kind == mapping {
			source = item.at("source").text()
			for _, key := range item.names() {
				if key != "source" && key != "target" && key != "mode" {
					l.bad(item.key(key), "config", fmt.Sprintf("recipes do not use %q in a config", key), "use source, target and mode")
				}
			}
			if target := item.fields["target"]; target != nil && (!strings.HasPrefix(target.text(), "/") || strings.Contains(target.text(), "..")) {
				l.bad(target, "config", "the target of a config is not a full path", "write one such as /etc/app/app.conf")
			}
		}
		if configs == nil || configs.fields[source] == nil {
			l.bad(item, "config", fmt.Sprintf("there is no config %q", source), "add it to configs with its content")
		}
	}
}

func (l *linter) checkTopConfigs() {
	configs := l.compose.fields["configs"]
	if configs == nil {
		return
	}
	for _, name := range configs.names() {
		c := configs.fields[name]
		for _, key := range c.names() {
			if key != "content" {
				l.bad(c.key(key), "outside-file", fmt.Sprintf("a config has its content in compose.yaml, not %q", key), "use content alone")
			}
		}
		if c.fields["content"] == nil {
			l.bad(configs.key(name), "config", fmt.Sprintf("the config %q has no content", name), "add content")
		}
	}
}

func (l *linter) checkTopVolumes() {
	volumes := l.compose.fields["volumes"]
	if volumes == nil {
		return
	}
	for _, name := range volumes.names() {
		switch {
		case !serviceName.MatchString(name):
			l.bad(volumes.key(name), "volume-name", fmt.Sprintf("%q is not a name for a volume", name), "use small letters, digits and single hyphens")
		case len(name) == 1:
			l.bad(volumes.key(name), "volume-name", fmt.Sprintf("%q is not a name for a volume: Compose reads %s:/path as a path on a Windows drive", name, name), "give it a name of two letters or more")
		}
		v := volumes.fields[name]
		if v.kind != mapping && v.value != nil {
			l.bad(v, "volume-options", "a volume is a name alone", "write name: {}")
		}
		for _, key := range v.names() {
			l.bad(v.key(key), "volume-options", fmt.Sprintf("recipes do not use %q for a volume: it could be outside the app, or a path of the host", key), "write name: {}")
		}
	}
}
