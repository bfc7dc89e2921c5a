package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const tracesPath = "/v1/traces"

// exporter sends traces by OTLP over HTTP, to the base URL of a collector or,
// where it is empty, to where the variables OTEL_EXPORTER_OTLP_… say; headers,
// certificates and the like are theirs in any case.
func exporter(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error) {
	if endpoint == "" {
		return otlptracehttp.New(ctx)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not a URL such as http://collector.example.org:4318", endpoint)
	}
	if !strings.HasSuffix(u.Path, tracesPath) {
		u = u.JoinPath(tracesPath)
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
}
