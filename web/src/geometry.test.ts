import { describe, expect, test } from 'vitest';
import { place, rowsInView, subtract, timeAt } from './geometry';
import { addDays, dateOf, instant, timeOf } from './time';

describe('timeline geometry', () => {
  test('blocks are cut to the window', () => {
    expect(place({ start: 0, end: 50 }, 25, 125)).toEqual({ left: 0, width: 0.25 });
    expect(place({ start: 100, end: 500 }, 0, 200)).toEqual({ left: 0.5, width: 0.5 });
    expect(place({ start: 0, end: 25 }, 25, 125)).toBeNull();
  });
  test('a place names the step it lies in, never one outside', () => {
    expect(timeAt(0.49, 0, 100, 10)).toBe(40);
    expect(timeAt(-1, 0, 100, 10)).toBe(0);
    expect(timeAt(1, 0, 100, 10)).toBe(90);
  });
  test('only rows in view are drawn', () => {
    expect(rowsInView(4000, 400, 40, 2000, 2)).toEqual({ first: 98, last: 112 });
    expect(rowsInView(0, 400, 40, 3)).toEqual({ first: 0, last: 3 });
    expect(rowsInView(9999, 400, 40, 3).last).toBeLessThanOrEqual(3 + 9999);
  });
  test('what is foreign is what no booking covers', () => {
    expect(subtract({ start: 0, end: 10 }, [{ start: 2, end: 4 }, { start: 8, end: 20 }])).toEqual([{ start: 0, end: 2 }, { start: 4, end: 8 }]);
    expect(subtract({ start: 0, end: 10 }, [{ start: 0, end: 10 }])).toEqual([]);
  });
});

describe('wall time', () => {
  const zone = 'Europe/Berlin';
  test('summer, winter, and a day of 23 hours', () => {
    expect(instant('2026-07-01', '09:00', zone).toISOString()).toBe('2026-07-01T07:00:00.000Z');
    expect(instant('2026-12-01', '09:00', zone).toISOString()).toBe('2026-12-01T08:00:00.000Z');
    const length = instant('2026-03-30', '00:00', zone).getTime() - instant('2026-03-29', '00:00', zone).getTime();
    expect(length / 3600e3).toBe(23);
  });
  test('gap and overlap', () => {
    expect(instant('2026-03-29', '02:30', zone).toISOString()).toBe('2026-03-29T01:30:00.000Z');
    expect(instant('2026-10-25', '02:30', zone).toISOString()).toBe('2026-10-25T00:30:00.000Z');
  });
  test('back to date and time', () => {
    const at = new Date('2026-06-30T22:15:00Z');
    expect(dateOf(at, zone)).toBe('2026-07-01');
    expect(timeOf(at, zone)).toBe('00:15');
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  });
});
