import { describe, expect, test } from 'vitest';
import type { FreeBusy } from '../api';
import { combined, standing } from './state';

const at = (h: number) => new Date(Date.UTC(2026, 0, 5, h)).toISOString();
const ms = (h: number) => Date.UTC(2026, 0, 5, h);
const of = (email: string, ...spans: [number, number, FreeBusy['busy'][number]['status']?][]): FreeBusy => ({
  email,
  busy: spans.map(([a, b, status]) => ({ start: at(a), end: at(b), status: status ?? 'busy' })),
});

describe('a proposal', () => {
  const list = [
    of('a', [9, 10]),
    of('b', [10, 11, 'tentative']),
    { email: 'c', busy: [], error: 'unreachable' as const },
    of('d', [12, 13, 'out-of-office']),
  ];
  test('who is taken, who may be, and who is not known', () => {
    expect(standing(list, { start: ms(9), end: ms(11) })).toEqual({ busy: ['a'], tentative: ['b'], unknown: ['c'] });
    expect(standing(list, { start: ms(12), end: ms(14) }).busy).toEqual(['d']);
  });
  test('what only touches does not count', () => {
    expect(standing(list, { start: ms(11), end: ms(12) })).toEqual({ busy: [], tentative: [], unknown: ['c'] });
  });
  test('the row of all is cut to the day and joined', () => {
    expect(combined([of('a', [6, 9], [10, 11]), of('b', [8, 10])], ms(7), ms(20))).toEqual([{ start: ms(7), end: ms(11) }]);
  });
});
