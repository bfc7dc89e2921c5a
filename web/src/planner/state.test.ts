import { describe, expect, test } from 'vitest';
import type { FreeBusy, Slot } from '../api';
import { combined, distinct, standing } from './state';

const at = (h: number) => new Date(Date.UTC(2026, 0, 5) + h * 3600e3).toISOString();
const ms = (h: number) => Date.UTC(2026, 0, 5, h);
const of = (email: string, ...spans: [number, number, FreeBusy['busy'][number]['status']?][]): FreeBusy => ({
  email,
  busy: spans.map(([a, b, status]) => ({ start: at(a), end: at(b), status: status ?? 'busy' })),
});

describe('suggestions', () => {
  const slot = (h: number, room: string) => ({ start: at(h), end: at(h + 1), resources: [room] }) as Slot;
  test('do not overlap, the best first', () => {
    const list = [slot(10, 'a'), slot(10.25, 'a'), slot(10.5, 'b'), slot(11, 'a'), slot(12, 'a'), slot(13, 'a')];
    expect(distinct(list, 3).map((s) => s.start)).toEqual([at(10), at(11), at(12)]);
  });
  test('are not fewer than there are', () => {
    const list = [slot(10, 'a'), slot(10.25, 'a'), slot(10.5, 'a')];
    expect(distinct(list, 12)).toEqual(list);
  });
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
