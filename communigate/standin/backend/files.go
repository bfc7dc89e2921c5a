package backend

import (
	"database/sql"
	"strings"
	"time"
	"unicode"
)

// File is a file of an account's storage.
type File struct {
	Name     string
	Data     []byte
	Modified time.Time
}

// ErrNoFile is the refusal for a file that is not there.
var ErrNoFile = &Error{525, "file is not found"}

const maxFile = 16 << 20

// File reads a file.
func (tx *Tx) File(a Account, name string) (File, error) {
	f := File{Name: name}
	var modified int64
	ok, err := tx.row(`SELECT data, modified FROM files WHERE account=? AND name=?`, []any{a.ID, name}, &f.Data, &modified)
	if err == nil && !ok {
		err = ErrNoFile
	}
	f.Modified = time.Unix(modified, 0).UTC()
	return f, err
}

// WriteFile writes a file, as a whole.
func (tx *Tx) WriteFile(a Account, f File) error {
	if f.Name == "" || len(f.Name) > 255 || strings.HasPrefix(f.Name, "/") || strings.Contains(f.Name, "..") || strings.ContainsFunc(f.Name, unicode.IsControl) {
		return &Error{501, "illegal file name"}
	}
	if len(f.Data) > maxFile {
		return &Error{501, "file is too large"}
	}
	if f.Data == nil {
		f.Data = []byte{}
	}
	_, err := tx.exec(`INSERT INTO files (account, name, data, modified) VALUES (?,?,?,?) ON CONFLICT (account, name) DO UPDATE SET data=excluded.data, modified=excluded.modified`,
		a.ID, f.Name, f.Data, f.Modified.Unix())
	return err
}

// RemoveFile removes a file.
func (tx *Tx) RemoveFile(a Account, name string) error {
	n, err := tx.exec(`DELETE FROM files WHERE account=? AND name=?`, a.ID, name)
	if err == nil && n == 0 {
		err = ErrNoFile
	}
	return err
}

// Files answers the files whose names begin with a prefix, without their
// data; sizes are by name.
func (tx *Tx) Files(a Account, prefix string) (list []File, sizes map[string]int64, err error) {
	sizes = map[string]int64{}
	err = tx.rows(func(r *sql.Rows) error {
		var f File
		var size, modified int64
		err := r.Scan(&f.Name, &size, &modified)
		if strings.HasPrefix(f.Name, prefix) {
			f.Modified = time.Unix(modified, 0).UTC()
			list, sizes[f.Name] = append(list, f), size
		}
		return err
	}, `SELECT name, LENGTH(data), modified FROM files WHERE account=? ORDER BY name`, a.ID)
	return list, sizes, err
}
