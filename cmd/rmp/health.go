package main

import (
	"context"
	"io"

	"rmp/internal/app"
	"rmp/internal/config"
)

type healthCommand struct{ config.Health }

func (c *healthCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Health(ctx, c.Health, out)
}
