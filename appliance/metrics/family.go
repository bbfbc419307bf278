// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import "github.com/prometheus/client_golang/prometheus"

// Family is one family of metrics, as the reference page has it.
type Family struct {
	Name, Type, Help string
	Labels           []string

	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) *Family {
	return family(name, "gauge", prometheus.GaugeValue, help, labels)
}

func counter(name, help string, labels ...string) *Family {
	return family(name, "counter", prometheus.CounterValue, help, labels)
}

func family(name, typ string, kind prometheus.ValueType, help string, labels []string) *Family {
	f := &Family{Name: "coopkit_" + name, Type: typ, Help: help, Labels: labels, kind: kind}
	f.desc = prometheus.NewDesc(f.Name, help, labels, nil)
	all = append(all, f)
	return f
}

// all are the families in the order of the reference page.
var all []*Family

// Families returns all families of this package; those of the process and of the
// Go runtime come from Prometheus' own library.
func Families() []*Family { return all }

// The families. A name is never used for something else later.
var (
	build = gauge("build_info", "Always 1; its label says which version of Coopkit runs.", "version")

	boxMemory      = gauge("box_memory_used_bytes", "Memory of the machine that is in use.")
	boxMemoryAll   = gauge("box_memory_bytes", "Memory of the machine.")
	boxDisk        = gauge("box_disk_used_bytes", "What is used of the disk with the apps' data.")
	boxDiskAll     = gauge("box_disk_bytes", "Size of the disk with the apps' data.")
	boxProcessor   = gauge("box_processor_ratio", "Share of all processors together that is in use, from 0 to 1, over the last half minute.")
	boxProcessorS  = counter("box_processor_seconds_total", "Time that all processors worked since the machine started.")
	appMemory      = gauge("app_memory_bytes", "Memory of an app, without files that the kernel holds for it and could drop at once.", "app")
	appProcessorS  = counter("app_processor_seconds_total", "Time that processors worked for an app since the agent started.", "app")
	appDisk        = gauge("app_disk_bytes", "What the data of an app takes on disk; measured about once an hour.", "app")
	appUp          = gauge("app_up", "1 if an app should run and no check found it closed; 0 if one did; an app that somebody stopped has none.", "app")
	findings       = gauge("findings", "What the checks found and still shows, by code and severity.", "code", "severity")
	lastLook       = gauge("checks_last_look_timestamp_seconds", "When the newest of the checks looked.")
	jobsBegun      = counter("jobs_begun_total", "Jobs that were ever begun.")
	jobsKept       = gauge("jobs", "Jobs in the journal, which has the newest 500, by kind and state.", "kind", "state")
	certificateEnd = gauge("certificate_expiry_timestamp_seconds", "When the certificate of a host name ends.", "host")
	requests       = counter("gateway_requests_total", "Requests that the front door answered since the agent started, by hundreds of the status.", "status")
)
