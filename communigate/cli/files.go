package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"rmp/communigate/dataformat"
)

// DeleteStorageFile removes a file of an account's storage. ErrNotFound.
func (c *Conn) DeleteStorageFile(ctx context.Context, account, file string) error {
	return c.do(ctx, "DELETESTORAGEFILE", account, Word("FILE"), file)
}

// ListStorageFiles answers the files of an account's storage below a path, each with size and time.
func (c *Conn) ListStorageFiles(ctx context.Context, account, path string) (dataformat.Dict, error) {
	return c.dict(ctx, "LISTSTORAGEFILES", account, Word("PATH"), path)
}

// WriteStorageFile writes a file of an account's storage as a whole.
func (c *Conn) WriteStorageFile(ctx context.Context, account, file string, data []byte) error {
	return c.do(ctx, "WRITESTORAGEFILE", account, Word("FILE"), file, Word("OFFSET"), Word("NEW"), Word("DATA"), dataformat.Datablock(data))
}

// AppendStorageFile adds to the end of a file of an account's storage.
func (c *Conn) AppendStorageFile(ctx context.Context, account, file string, data []byte) error {
	return c.do(ctx, "WRITESTORAGEFILE", account, Word("FILE"), file, Word("OFFSET"), Word("END"), Word("DATA"), dataformat.Datablock(data))
}

// StorageFile is a part of a file, with the file's time and whole size.
type StorageFile struct {
	Data     []byte
	Modified time.Time
	Size     int64
}

// ReadStorageFile reads a file of an account's storage from an offset on.
func (c *Conn) ReadStorageFile(ctx context.Context, account, file string, offset int64) (StorageFile, error) {
	a, err := c.array(ctx, "READSTORAGEFILE", account, Word("FILE"), file, Word("OFFSET"), strconv.FormatInt(offset, 10))
	if err != nil {
		return StorageFile{}, err
	}
	if len(a) >= 3 {
		data, ok1 := a[0].(dataformat.Datablock)
		at, ok2 := a[1].(dataformat.Timestamp)
		size, ok3 := dataformat.Dict{"size": a[2]}.Int("size")
		if ok1 && ok2 && ok3 {
			return StorageFile{data, at.Time, size}, nil
		}
	}
	return StorageFile{}, fmt.Errorf("READSTORAGEFILE: %w", &ProtocolError{"not (data,time,size)"})
}
