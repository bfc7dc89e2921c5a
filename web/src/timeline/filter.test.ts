import { describe, expect, test } from 'vitest';
import type { Resource } from '../api';
import { choices, matches, type Filter } from './filter';

const room = {
  email: 'r@x.test',
  type: 'conference-room',
  name: 'Zürich',
  site: 'Nord',
  floor: '2',
  capacity: 8,
  features: ['video', 'screen'],
} as Resource;
const all: Filter = { type: '', query: '', site: '', seats: 0, features: [], favourites: false };

describe('filters', () => {
  test('each restricts by itself', () => {
    expect(matches(room, all, [])).toBe(true);
    for (const f of [
      { type: 'equipment' },
      { site: 'Süd' },
      { seats: 9 },
      { features: ['video', 'phone'] },
      { favourites: true },
      { query: 'bern' },
    ]) {
      expect(matches(room, { ...all, ...f }, []), JSON.stringify(f)).toBe(false);
    }
    expect(matches(room, { ...all, favourites: true, seats: 8, features: ['screen'], site: 'Nord' }, ['r@x.test'])).toBe(true);
  });
  test('marks above letters do not matter to a search, nor does case', () => {
    expect(matches(room, { ...all, query: ' zurICH' }, [])).toBe(true);
  });
  test('what can be chosen is what there is of the type', () => {
    expect(choices([room, { ...room, type: 'equipment', site: 'Ost', features: ['beamer'] }], 'conference-room')).toEqual({
      sites: ['Nord'],
      features: ['screen', 'video'],
    });
  });
});
