import { afterEach, describe, expect, test } from 'vitest';
import { choose } from './i18n.svelte';
import { nthOf, parse, rrule, words, type Rule } from './series';
import { dateOf, instant } from './time';

const zone = 'Europe/Berlin';
const endOf = (date: string) => instant(date, '23:59', zone);
const base: Rule = { frequency: 'WEEKLY', interval: 1, days: ['MO'], nth: 0, ends: 'count', count: 4, until: '2026-12-31' };

describe('series', () => {
  afterEach(() => choose('en'));
  test('what the form says, as a rule', () => {
    expect(rrule(base, '2026-11-23', endOf)).toBe('FREQ=WEEKLY;BYDAY=MO;COUNT=4');
    expect(rrule({ ...base, interval: 2, days: ['FR', 'MO'], ends: 'until' }, '2026-11-23', endOf)).toBe(
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20261231T225900Z',
    );
    expect(rrule({ ...base, frequency: 'MONTHLY', nth: -1, ends: 'never' }, '2026-11-30', endOf)).toBe('FREQ=MONTHLY;BYDAY=-1MO');
    expect(rrule({ ...base, frequency: 'DAILY' }, '2026-11-23', endOf)).toBe('FREQ=DAILY;COUNT=4');
  });
  test('in words', () => {
    expect(words(base, '2026-11-23')).toBe('Every week on Monday, 4 times');
    expect(words({ ...base, interval: 2, days: ['MO', 'FR'] }, '2026-11-23')).toBe('Every 2 weeks on Monday and Friday, 4 times');
    expect(words({ ...base, days: ['MO', 'TU', 'WE', 'TH', 'FR'], ends: 'never' }, '2026-11-23')).toBe('Every working day, without an end');
    expect(words({ ...base, frequency: 'MONTHLY', ends: 'until' }, '2026-11-23')).toMatch(
      /^Every month on day 23, until (31 December|December 31,) 2026$/,
    ); // as the browser writes dates;
    expect(words({ ...base, frequency: 'MONTHLY', nth: -1 }, '2026-11-30')).toBe('Every month on the last Monday, 4 times');
    choose('de');
    expect(words({ ...base, interval: 3, days: ['TU', 'SA'] }, '2026-11-24')).toBe('Alle 3 Wochen am Dienstag und Samstag, 4-mal');
    expect(words({ ...base, frequency: 'YEARLY', ends: 'never' }, '2026-11-23')).toBe('Jedes Jahr, ohne Ende');
  });
  test('a rule that the form can show is read back as it was', () => {
    for (const r of [
      base,
      { ...base, interval: 2, days: ['MO', 'FR'] },
      { ...base, frequency: 'MONTHLY' as const, days: [], nth: 2 },
      { ...base, frequency: 'DAILY' as const, days: [], ends: 'until' as const },
    ]) {
      const text = rrule(r, '2026-11-09', endOf);
      const back = parse(text, (at) => dateOf(at, zone));
      expect(back && rrule(back, '2026-11-09', endOf)).toBe(text);
    }
  });
  test('a rule that the form cannot show is not bent', () => {
    for (const text of ['FREQ=MONTHLY;BYMONTHDAY=1,15', 'FREQ=HOURLY', 'FREQ=DAILY;BYDAY=MO', 'FREQ=MONTHLY;BYDAY=1MO,3MO'])
      expect(
        parse(text, () => ''),
        text,
      ).toBeNull();
  });
  test('the fifth such day of a month is the last', () => {
    expect([nthOf('2026-11-02'), nthOf('2026-11-23'), nthOf('2026-11-30')]).toEqual([1, 4, -1]);
  });
});
