import { describe, expect, test } from 'vitest';
import { columns } from './layout';

const e = (start: number, end: number) => ({ start, end });

describe('events side by side', () => {
  test('those that do not touch have the whole width', () => {
    expect(columns([e(0, 1), e(1, 2)]).map((p) => [p.column, p.columns])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
  test('those that overlap share it, and a column that is free again is used', () => {
    expect(columns([e(0, 4), e(1, 2), e(2, 3), e(5, 6)]).map((p) => [p.event.start, p.column, p.columns])).toEqual([
      [0, 0, 2],
      [1, 1, 2],
      [2, 1, 2],
      [5, 0, 1],
    ]);
  });
  test('no two in one column overlap, whatever there is', () => {
    let seed = 3;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const many = Array.from({ length: 300 }, () => {
      const start = Math.floor(random() * 1000);
      return e(start, start + 1 + Math.floor(random() * 60));
    });
    const placed = columns(many);
    expect(placed).toHaveLength(many.length);
    for (const a of placed) {
      expect(a.column).toBeLessThan(a.columns);
      for (const b of placed)
        if (a !== b && a.column === b.column) expect(a.event.start >= b.event.end || b.event.start >= a.event.end).toBe(true);
    }
  });
});
