import { describe, expect, test } from 'vitest';
import { follow, lastDay, overnight, type Wall } from './wall';

const wall = (date: string, start: string, endDate: string, end: string): Wall => ({ date, start, endDate, end });

describe('a span in a form', () => {
  test('keeps its length when its beginning moves', () => {
    const nine = wall('2027-03-01', '09:00', '2027-03-01', '10:00');
    expect(follow(nine, { date: '2027-03-01', start: '14:00' })).toEqual({ endDate: '2027-03-01', end: '15:00' });
    expect(follow(nine, { date: '2027-02-27', start: '09:00' })).toEqual({ endDate: '2027-02-27', end: '10:00' });
    expect(follow(nine, { date: '2027-03-01', start: '23:30' })).toEqual({ endDate: '2027-03-02', end: '00:30' });
    const night = wall('2027-03-01', '22:00', '2027-03-02', '06:00');
    expect(follow(night, { date: '2027-03-31', start: '21:00' })).toEqual({ endDate: '2027-04-01', end: '05:00' });
  });
  test('waits while something is missing', () => {
    const nine = wall('2027-03-01', '09:00', '2027-03-01', '10:00');
    expect(follow(nine, { date: '', start: '14:00' })).toMatchObject({ endDate: '2027-03-01', end: '10:00' });
    expect(lastDay(wall('2027-03-01', '', '2027-03-01', '08:00'))).toBe('2027-03-01');
  });
  test('that ends before it begins ends on the next day', () => {
    expect(lastDay(wall('2027-03-01', '22:00', '2027-03-01', '06:00'))).toBe('2027-03-02');
    expect(lastDay(wall('2027-03-01', '09:00', '2027-03-01', '10:00'))).toBe('2027-03-01');
    // As one types 14:00 it is 01:00 for a moment.
    expect(lastDay(wall('2027-03-01', '09:00', '2027-03-01', '01:00'))).toBe('2027-03-02');
    expect(lastDay(wall('2027-03-01', '09:00', '2027-03-02', '14:00'))).toBe('2027-03-01');
  });
  test('is overnight when it reaches into another day', () => {
    expect(overnight(wall('2027-03-01', '22:00', '2027-03-02', '06:00'))).toBe(true);
    expect(overnight(wall('2027-03-01', '22:00', '2027-03-02', '00:00'))).toBe(false);
    expect(overnight(wall('2027-03-01', '22:00', '2027-03-01', '23:00'))).toBe(false);
  });
});
