// Package telemetry shows an operator what the program does: logs with the
// names of what they are about, metrics, traces, and a recording of the
// moment when a request was slow.
//
// It only looks: nothing waits for it, and nothing is decided by it. What is
// measured comes in three ways. The layers note names and begin steps on the
// trail of a request (package trail), which become attributes of log lines
// and spans. Functions that they are given (booking.Service.Observe,
// groupware.Config.Observe, …) count. What has a present state, such as pools
// and queues, is read when /metrics is asked for.
//
// No label of a metric and no attribute of a span comes from what people
// write: labels are from fixed sets, or bounded (see bounded), and errors are
// told by their kind. Every metric is in Catalogue, from which they are made
// and docs/metrics.md is written.
//
// The exporter of spans is large and is not imported here: the command brings
// it.
package telemetry
