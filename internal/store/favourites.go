package store

import (
	"context"
	"database/sql"
	"errors"

	"rmp/internal/directory"
)

// Favourites implements directory.Store.
func (t *Tenant) Favourites(ctx context.Context, userID string) ([]string, error) {
	out, err := collect(ctx, t.read, scanText, `SELECT r.email FROM favourites f JOIN resources r ON r.tenant_id=f.tenant_id AND r.id=f.resource_id
		WHERE f.tenant_id=$1 AND f.user_id=$2 AND r.removed=0 ORDER BY r.email`, t.id, userID)
	return out, t.db.wrap("read favourites", err)
}

// SetFavourite implements directory.Store.
func (t *Tenant) SetFavourite(ctx context.Context, userID, resourceID string, marked bool) error {
	query := `DELETE FROM favourites WHERE tenant_id=$1 AND user_id=$2 AND resource_id=$3`
	if marked {
		query = `INSERT INTO favourites (tenant_id, user_id, resource_id) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`
	}
	_, err := t.exec(ctx, query, t.id, userID, resourceID)
	return t.db.wrap("save favourite", err)
}

// Photo implements directory.Store.
func (t *Tenant) Photo(ctx context.Context, resourceID string) (p directory.Photo, found bool, err error) {
	err = t.read.QueryRowContext(ctx, `SELECT media_type, hash, content FROM resource_photos WHERE tenant_id=$1 AND resource_id=$2`, t.id, resourceID).
		Scan(&p.MediaType, &p.Hash, &p.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, t.db.wrap("read photo", err)
}

// SetPhoto implements directory.Store.
func (t *Tenant) SetPhoto(ctx context.Context, resourceID string, p directory.Photo) error {
	var err error
	if len(p.Content) == 0 {
		_, err = t.exec(ctx, `DELETE FROM resource_photos WHERE tenant_id=$1 AND resource_id=$2`, t.id, resourceID)
	} else {
		_, err = t.exec(ctx, `INSERT INTO resource_photos (tenant_id, resource_id, media_type, hash, content) VALUES ($1,$2,$3,$4,$5)
			ON CONFLICT (tenant_id, resource_id) DO UPDATE SET media_type=excluded.media_type, hash=excluded.hash, content=excluded.content`,
			t.id, resourceID, p.MediaType, p.Hash, p.Content)
	}
	return t.db.wrap("save photo", err)
}
