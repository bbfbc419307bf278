// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Compose's labels, so that its commands find our containers.
const (
	composeProject    = "com.docker.compose.project"
	composeService    = "com.docker.compose.service"
	composeNumber     = "com.docker.compose.container-number"
	composeOneOff     = "com.docker.compose.oneoff"
	composeConfigHash = "com.docker.compose.config-hash"
	composeImage      = "com.docker.compose.image"
	composeDependsOn  = "com.docker.compose.depends_on"
	composeWorkingDir = "com.docker.compose.project.working_dir"
	composeFiles      = "com.docker.compose.project.config_files"
	composeNetwork    = "com.docker.compose.network"
	composeVolume     = "com.docker.compose.volume"
	composeVersion    = "com.docker.compose.version"
)

// composeFormat is the version of Compose whose labels ours are like.
const composeFormat = "2.32.0"

// labelReads is on the helper containers of ReadVolume: the volume's full name.
const labelReads = "coop.coopkit.reads"

func (e *Engine) containerLabels(spec engine.Spec, s engine.Service) map[string]string {
	hash := engine.ConfigHash(s)
	return map[string]string{
		engine.LabelInstall:    string(spec.Install),
		engine.LabelBox:        e.owner.Box,
		engine.LabelService:    s.Name,
		engine.LabelRelease:    strconv.Itoa(spec.Release),
		engine.LabelRecipe:     spec.Recipe,
		engine.LabelVersion:    spec.Version,
		engine.LabelConfigHash: hash,
		engine.LabelHosts:      engine.HostsLine(spec),

		composeProject:    spec.Install.Project(),
		composeService:    s.Name,
		composeNumber:     "1",
		composeOneOff:     "False",
		composeConfigHash: hash,
		composeImage:      s.Resolved.ID,
		composeDependsOn:  composeDependencies(s),
		composeWorkingDir: "/",
		composeFiles:      "",
		composeVersion:    composeFormat,
	}
}

// composeDependencies is "db:service_healthy:false,…": name, condition, restart.
func composeDependencies(s engine.Service) string {
	out := ""
	for _, d := range s.DependsOn {
		if out != "" {
			out += ","
		}
		out += d.Service + ":" + string(d.Condition) + ":false"
	}
	return out
}

func (e *Engine) networkLabels(install appliance.InstallName) map[string]string {
	return map[string]string{
		engine.LabelInstall: string(install),
		engine.LabelBox:     e.owner.Box,
		composeProject:      install.Project(),
		composeNetwork:      "default",
		composeVersion:      composeFormat,
	}
}

func (e *Engine) volumeLabels(install appliance.InstallName, volume string) map[string]string {
	return map[string]string{
		engine.LabelInstall: string(install),
		engine.LabelBox:     e.owner.Box,
		engine.LabelVolume:  volume,
		composeProject:      install.Project(),
		composeVolume:       volume,
		composeVersion:      composeFormat,
	}
}
