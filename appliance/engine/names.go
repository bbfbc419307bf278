// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import "coopkit/appliance"

// The labels that we put on containers, networks and volumes, beside Compose's
// own. LabelInstall and LabelBox are on everything that belongs to an install:
// its name, and whose it is. One engine may serve several boxes, so nothing is
// ever changed or removed without asking for both.
const (
	LabelInstall    = "coop.coopkit.install"
	LabelBox        = "coop.coopkit.box"
	LabelService    = "coop.coopkit.service"
	LabelVolume     = "coop.coopkit.volume"
	LabelRelease    = "coop.coopkit.release"
	LabelRecipe     = "coop.coopkit.recipe"
	LabelVersion    = "coop.coopkit.version"
	LabelConfigHash = "coop.coopkit.config-hash"
	LabelHosts      = "coop.coopkit.hosts"
)

// ContainerName is the name of the one container of a service, as Compose
// would name it.
func ContainerName(install appliance.InstallName, service string) string {
	return install.Project() + "-" + service + "-1"
}

// NetworkName is the name of the install's network, as Compose would name it.
func NetworkName(install appliance.InstallName) string {
	return install.Project() + "_default"
}

// VolumeName is the engine's name for a volume of the install, as Compose
// would name it.
func VolumeName(install appliance.InstallName, volume string) string {
	return install.Project() + "_" + volume
}
