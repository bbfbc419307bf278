// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// refusal says why a key of the Compose Specification is not for recipes.
type refusal struct{ code, what, next string }

var (
	noHost     = refusal{"host-namespace", "it shares a namespace of the host with the app", "remove it: an app has its own network, processes and users"}
	noPolicy   = refusal{"not-yours", "the box decides about it, the same for every app", "remove it"}
	noNetwork  = refusal{"network", "every app has one network of its own", "remove it: services reach each other by their names"}
	noPort     = refusal{"published-port", "no port of an app is ever published", "remove it: the front door reaches the port that web names"}
	noDevice   = refusal{"device", "it gives the app a device of the host", "remove it"}
	noOutside  = refusal{"outside-file", "it reads files outside compose.yaml", "write the values into compose.yaml"}
	noSecurity = refusal{"security", "it changes how the app is confined", "remove it: the box sets the same strict rules for every app"}
	noTerminal = refusal{"not-yours", "nobody sits at a terminal of an app", "remove it"}
	alreadySo  = refusal{"security", "the box does this for every app already", "leave it out"}
	useLimit   = refusal{"not-yours", "the box reads the memory limit from mem_limit", "write it as mem_limit"}
)

// refusedKeys are keys of a service with a reason of their own.
var refusedKeys = map[string]refusal{
	"privileged":   {"privileged", "a privileged container owns the whole box", "remove it; ask for single capabilities with cap_add"},
	"network_mode": noHost, "pid": noHost, "ipc": noHost, "uts": noHost, "userns_mode": noHost, "cgroup": noHost,
	"cgroup_parent": noSecurity, "security_opt": noSecurity, "sysctls": noSecurity, "cap_drop": noSecurity, "isolation": noSecurity,
	"credential_spec": noSecurity, "runtime": noSecurity, "group_add": noSecurity, "use_api_socket": {"docker-socket", "it gives the app the engine, and with it the box", "remove it"},
	"devices": noDevice, "device_cgroup_rules": noDevice, "gpus": noDevice,
	"ports": noPort, "expose": noPort,
	"build":    {"build", "images come by digest or from a folder below debian/", "remove it and name the folder under images in recipe.yaml"},
	"networks": noNetwork, "links": noNetwork, "external_links": noNetwork, "dns": noNetwork, "dns_search": noNetwork, "dns_opt": noNetwork,
	"extra_hosts": noNetwork, "mac_address": noNetwork, "hostname": noNetwork, "domainname": noNetwork,
	"container_name": noPolicy, "logging": noPolicy, "labels": noPolicy, "deploy": noPolicy, "scale": noPolicy, "profiles": noPolicy,
	"pull_policy": noPolicy, "platform": noPolicy, "oom_kill_disable": noPolicy, "oom_score_adj": noPolicy,
	"ulimits": noPolicy, "cpus": noPolicy, "cpu_shares": noPolicy, "cpu_quota": noPolicy, "cpu_period": noPolicy, "cpuset": noPolicy, "memswap_limit": noPolicy, "mem_swappiness": noPolicy,
	"mem_reservation": useLimit, "tty": noTerminal, "stdin_open": noTerminal, "attach": noTerminal,
	"env_file": noOutside, "label_file": noOutside, "extends": noOutside, "develop": noOutside,
	"volumes_from": {"bind-mount", "it mounts volumes of another container", "name the volumes under volumes"},
	"secrets":      {"compose-secrets", "secrets reach an app as ${SECRET_NAME}", "use ${SECRET_NAME} in environment, or in a config with content"},
}

// refused says why the value of a refused key is not for recipes. Some values
// ask for what every app has already.
func refused(key string, n *node) refusal {
	switch key {
	case "network_mode":
		switch mode := n.text(); {
		case mode == "bridge":
			return refusal{"network", "every app has a network of its own already", "leave it out"}
		case mode == "none":
			return refusal{"network", "an app without a network cannot be reached", "remove it"}
		case mode != "host":
			return refusal{"network", "it uses the network of another container", "remove it: services reach each other by their names"}
		}
	case "security_opt":
		if only(n, "no-new-privileges:true", "no-new-privileges") {
			return alreadySo
		}
	case "cap_drop":
		return alreadySo
	case "deploy":
		if memory := n.at("resources", "limits", "memory"); memory.kind == scalar && memory.value != nil {
			return useLimit
		}
	}
	return refusedKeys[key]
}

// only reports whether a list has nothing but these values.
func only(n *node, values ...string) bool {
	return len(n.items) > 0 && !slices.ContainsFunc(n.items, func(i *node) bool { return !slices.Contains(values, i.text()) })
}

// serviceKeys are the keys of a service that recipes use, with their checks.
var serviceKeys = map[string]func(l *linter, service string, n *node){
	"image": (*linter).checkImage, "volumes": (*linter).checkMounts, "cap_add": (*linter).checkCapabilities,
	"restart": (*linter).checkRestart, "depends_on": (*linter).checkDependsOn, "configs": (*linter).checkConfigRefs,
	"environment": (*linter).checkEnvironment, "tmpfs": (*linter).checkTmpfs, "healthcheck": (*linter).checkHealth,
	"command": (*linter).checkCommand, "entrypoint": (*linter).checkCommand, "user": (*linter).checkText, "working_dir": (*linter).checkText,
	"read_only": (*linter).checkBool, "init": (*linter).checkBool, "mem_limit": (*linter).checkMemory, "shm_size": (*linter).checkSize,
	"pids_limit": (*linter).checkCount, "stop_signal": (*linter).checkSignal, "stop_grace_period": (*linter).checkDuration,
}

// Capabilities that an app may ask for: what a server needs to take its port,
// hand its files to its own user and stop its own processes.
var capabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)

func (l *linter) bad(n *node, code, what, next string) {
	l.issues.add(composeFile, n, code, what, next)
}

func (l *linter) checkCompose() {
	top := map[string]refusal{
		"include": noOutside, "networks": noNetwork, "name": noPolicy, "version": noPolicy,
		"secrets": refusedKeys["secrets"],
	}
	for _, key := range l.compose.names() {
		at := l.compose.key(key)
		switch no, refused := top[key]; {
		case refused:
			l.bad(at, no.code, fmt.Sprintf("%q is not for recipes: %s", key, no.what), no.next)
		case key != "services" && key != "volumes" && key != "configs":
			l.bad(at, "key-unknown", fmt.Sprintf("recipes do not use the key %q%s", key, didYouMean(key, []string{"services", "volumes", "configs"})), "use services, volumes and configs")
		}
	}
	l.checkPlaces(l.compose, "")
	services := l.compose.fields["services"]
	if services != nil && services.kind == sequence && len(services.items) > 0 {
		l.bad(services, "services-missing", "services is a list", "write a mapping: the name of each service, then its keys below it")
		return
	}
	if services == nil || len(services.fields) == 0 {
		l.bad(l.compose, "services-missing", "compose.yaml has no services", "add services")
		return
	}
	for _, name := range services.names() {
		if !serviceName.MatchString(name) {
			l.bad(services.key(name), "service-name", fmt.Sprintf("%q is not a name for a service", name), "use small letters, digits and single hyphens")
		}
		l.checkServiceKeys(name, services.key(name), services.fields[name])
	}
	l.checkCycles(services)
	l.checkTopVolumes()
	l.checkTopConfigs()
}

func (l *linter) checkServiceKeys(name string, at, n *node) {
	for _, key := range n.names() {
		check, known := serviceKeys[key]
		_, isRefused := refusedKeys[key]
		switch {
		case isRefused:
			no := refused(key, n.fields[key])
			l.bad(n.key(key), no.code, fmt.Sprintf("%q is not for recipes: %s", key, no.what), no.next)
		case strings.HasPrefix(key, "x-"):
			l.bad(n.key(key), "key-unknown", fmt.Sprintf("%q is an extension that the box does not read", key), "remove it")
		case !known:
			l.bad(n.key(key), "key-unknown", fmt.Sprintf("recipes do not use the key %q%s", key, didYouMean(key, allowedServiceKeys())), "use one of: "+strings.Join(allowedServiceKeys(), ", "))
		default:
			check(l, name, n.fields[key])
		}
	}
	if n.fields["mem_limit"] == nil {
		l.bad(at, "memory-limit", fmt.Sprintf("the service %q has no memory limit", name), "measure what it needs and add mem_limit, e.g. 256m")
	}
	if n.fields["image"] == nil && !l.fromDebian(name) {
		l.bad(at, "image-missing", fmt.Sprintf("the service %q has neither an image nor a folder below debian/", name), "add image with its digest, or name the folder under images in recipe.yaml")
	}
}

func allowedServiceKeys() []string {
	var keys []string
	for key := range serviceKeys {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (l *linter) fromDebian(service string) bool {
	return l.recipe != nil && l.recipe.Images[service].Debian != ""
}

// checkPlaces allows variables only in the values of environment and in the
// content of configs: there a value stays a value, whatever somebody typed.
func (l *linter) checkPlaces(n *node, path string) {
	switch n.kind {
	case mapping:
		for _, key := range n.names() {
			l.checkPlaces(n.fields[key], path+"/"+key)
		}
	case sequence:
		for _, item := range n.items {
			l.checkPlaces(item, path+"/[]")
		}
	default:
		names, ok := references(n.text())
		steps := strings.Split(path, "/")
		if len(steps) == 5 && steps[1] == "services" && steps[3] == "environment" || len(steps) == 4 && steps[1] == "configs" && steps[3] == "content" {
			if l.recipe != nil {
				l.variables(composeFile, n, n.text(), l.recipe.known())
			}
			return
		}
		if len(names) > 0 {
			l.bad(n, "variable-place", "a variable may only stand in environment and in the content of configs", "pass it in environment, and read it there with $$NAME")
		} else if !ok {
			l.bad(n, "variable-form", "a dollar sign is neither ${NAME} nor $$", "write $$ for a dollar sign")
		}
	}
}

func (l *linter) checkImage(service string, n *node) {
	ref, err := reference.Parse(n.text())
	if err != nil {
		l.bad(n, "image", fmt.Sprintf("%q is not the name of an image", n.text()), "write registry/name:tag@sha256:…")
		return
	}
	named, isNamed := ref.(reference.Named)
	_, pinned := ref.(reference.Digested)
	_, tagged := ref.(reference.Tagged)
	switch {
	case !pinned && !l.fromDebian(service):
		l.bad(n, "image-digest", "the image has no digest, so it could change under our feet", "write registry/name:tag@sha256:…, or name a folder below debian/ under images in recipe.yaml")
	case pinned && !tagged:
		l.bad(n, "image-tag", "the image has no tag, so nobody can see its version", "write registry/name:tag@sha256:…")
	}
	if isNamed && !strings.ContainsAny(reference.Domain(named), ".:") {
		l.bad(n, "image-registry", "the image does not say which registry it comes from", "write it out, e.g. docker.io/library/name")
	}
}

func (l *linter) checkMounts(_ string, n *node) {
	volumes := l.compose.fields["volumes"]
	for _, item := range n.items {
		source, target := "", ""
		if item.kind == mapping {
			source, target = l.longMount(item)
		} else {
			parts := strings.Split(item.text(), ":")
			source = parts[0]
			if len(parts) > 1 {
				target = parts[1]
			}
			if len(parts) > 3 || (len(parts) == 3 && parts[2] != "ro" && parts[2] != "rw") {
				l.bad(item, "mount", "this mount has options that recipes do not use", "write volume:/path or volume:/path:ro")
			}
		}
		switch {
		case strings.Contains(source+target, "docker.sock"):
			l.bad(item, "docker-socket", "it gives the app the engine, and with it the box", "remove it")
		case source == "" || strings.ContainsAny(source, `/.~\`):
			l.bad(item, "bind-mount", "it mounts a path of the host, or a volume without a name", "use a named volume, or a config with content for small files")
		case !strings.HasPrefix(target, "/") || target == "/":
			l.bad(item, "mount", "the volume has no path in the container", "write volume:/path")
		case volumes == nil || volumes.fields[source] == nil:
			l.bad(item, "volume-unknown", fmt.Sprintf("there is no volume %q", source), "add it to volumes")
		}
	}
}

func (l *linter) longMount(item *node) (source, target string) {
	for _, key := range item.names() {
		value := item.fields[key]
		switch key {
		case "source":
			source = value.text()
		case "target":
			target = value.text()
		case "read_only":
		case "type":
			if value.text() != "volume" {
				l.bad(value, "bind-mount", fmt.Sprintf("recipes do not mount %q", value.text()), "use type: volume")
			}
		default:
			l.bad(item.key(key), "mount", fmt.Sprintf("recipes do not use %q in a mount", key), "use type, source, target and read_only")
		}
	}
	return source, target
}
