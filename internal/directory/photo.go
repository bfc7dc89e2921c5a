package directory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	_ "image/jpeg" // the formats that are taken
	_ "image/png"

	"rmp/internal/fault"
)

// Photo is what a resource looks like: a PNG or JPEG image.
type Photo struct {
	MediaType string
	Hash      string // of the content, in hexadecimal
	Content   []byte
}

// Bounds of a photo.
const (
	MostPhotoBytes = 1 << 20
	mostPhotoSide  = 6000 // pixels
)

// NewPhoto takes a file if it is a photo that browsers show. What it says of
// itself does not count, its content does.
func NewPhoto(content []byte) (Photo, error) {
	if len(content) > MostPhotoBytes {
		return Photo{}, fault.New(fault.TooLarge, "the photo has more than %d KB", MostPhotoBytes>>10)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return Photo{}, fault.InvalidField("body", "is not a PNG or JPEG image")
	}
	if c.Width > mostPhotoSide || c.Height > mostPhotoSide {
		return Photo{}, fault.InvalidField("body", "has %d×%d pixels; at most %d a side", c.Width, c.Height, mostPhotoSide)
	}
	sum := sha256.Sum256(content)
	return Photo{"image/" + format, hex.EncodeToString(sum[:8]), content}, nil
}
