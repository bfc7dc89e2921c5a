import { describe, expect, it } from 'vitest';
import { catalogues, t } from './i18n.svelte';

const values = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe('catalogues', () => {
  it('have the same keys, no empty text, and the same values in each', () => {
    const en = catalogues.en!;
    for (const [name, c] of Object.entries(catalogues)) {
      expect(Object.keys(c).sort(), name).toEqual(Object.keys(en).sort());
      for (const [key, text] of Object.entries(c)) {
        expect(text.trim(), `${name} ${key}`).not.toBe('');
        expect(values(text), `${name} ${key}`).toEqual(values(en[key as keyof typeof en]));
      }
    }
  });
  it('says one thing in the singular', () => {
    expect(t('book.doneSeries', { title: 'A', n: 1 })).toBe('Booked: A, 1 date.');
    expect(t('book.nPeople', { n: 0 })).toBe('0 people');
  });
  it('replaces values, and leaves what it does not know', () => {
    expect(t('book.doneSeries', { title: '{n}', n: 3 })).toBe('Booked: {n}, 3 dates.');
    expect(t('book.done')).toContain('{title}');
  });
});
