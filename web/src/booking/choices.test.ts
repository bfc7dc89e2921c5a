import { describe, expect, test } from 'vitest';
import type { PlanDate } from '../api';
import { resolve, skipRest } from './choices';

const date = (occurrence: string, state: PlanDate['state']): PlanDate => ({
  occurrence,
  start: occurrence,
  end: occurrence,
  state,
  alternatives: [
    { start: 'a', end: 'b', resources: ['x'], reason: '' },
    { start: 'c', end: 'd', resources: ['y'], reason: '' },
  ],
});
const dates = [date('1', 'free'), date('2', 'taken'), date('3', 'refused'), date('4', 'taken')];

describe('dates that are taken', () => {
  test('what is decided is left out, and some of it booked elsewhere', () => {
    const r = resolve(dates, { '2': 'skip', '4': '1' });
    expect(r.exdates).toEqual(['2', '4']);
    expect(r.instead.map((a) => a.start)).toEqual(['c']);
  });
  test('what is undecided, or free by now, stays in the series', () => {
    expect(resolve(dates, { '1': 'skip', '3': '' })).toEqual({ exdates: [], instead: [] });
  });
  test('leaving out the rest keeps what was decided', () => {
    expect(skipRest(dates, { '4': '1', '3': '' })).toEqual({ '2': 'skip', '3': 'skip', '4': '1' });
  });
});
