import { describe, expect, test } from 'vitest';
import { addDays, dateOf, instant, isDate, mondayOf, monthOf, timeOf, weekdayOf } from './time';

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
  test('weeks begin on Monday, months on the first', () => {
    expect(weekdayOf('2026-11-23')).toBe('MO');
    expect(mondayOf('2026-11-29')).toBe('2026-11-23');
    expect(mondayOf('2026-11-23')).toBe('2026-11-23');
    expect(monthOf('2026-12-31', 2)).toBe('2027-02-01');
  });
});

test('a date that there is', () => {
  for (const d of ['2026-02-28', '2028-02-29']) expect(isDate(d), d).toBe(true);
  for (const d of ['', 'rubbish', '2026-2-1', '2026-13-01', '2026-02-30', '2026-02-28T00:00']) expect(isDate(d), d).toBe(false);
});
