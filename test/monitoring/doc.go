// Package monitoring tests what config/prometheus and config/grafana ship against the metrics that there are, and against Prometheus' own
// parser and engine. It is a module of its own, so that the operator's has nothing to do with Prometheus the server.
package monitoring
