package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir keeps two processes from using one data directory at once. The
// lock goes with the process, however it ends.
func lockDir(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "rmp.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another rmp is running on the data directory %s", dir)
	}
	return func() { _ = f.Close() }, nil
}
