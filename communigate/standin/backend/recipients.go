package backend

// Recipients answers the accounts of this server that an address stands for;
// none for one that is unknown here.
func (tx *Tx) Recipients(address string) ([]Account, error) {
	a, err := tx.Account(address)
	switch {
	case err == nil:
		return []Account{a}, nil
	case err == ErrNoAccount || err == ErrNoDomain: //nolint:errorlint // made by this package, never wrapped
		return nil, nil
	}
	return nil, err
}
