// Package web holds the build of the browser app. A program built before the
// app was has none in it, and says so.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS is the build, and whether there is one.
func FS() (fs.FS, bool) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist, false
	}
	_, err = fs.Stat(sub, "index.html")
	return sub, err == nil
}
