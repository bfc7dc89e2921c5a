package main

import (
	"context"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// spanExporter sends spans by OTLP over HTTP.
func spanExporter(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error) {
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
}

// logLevel reads the arguments, variables and configuration file of this
// process again.
func logLevel() (string, error) {
	var c commands
	k, err := parser(&c)
	if err != nil {
		return "", err
	}
	_, err = k.Parse(os.Args[1:])
	return c.Serve.LogLevel, err
}
