// How often something repeats: the choices of the form, the RRULE (RFC 5545)
// that says it, and the sentence that tells it.
import { format, lang, t } from './i18n.svelte';
import { weekdayOf } from './time';

export type Frequency = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
export interface Rule {
  frequency: Frequency;
  interval: number;
  days: string[]; // MO, TU, …; of a week, only WEEKLY
  nth: number; // MONTHLY: the n-th such weekday, -1 the last; 0: the day of the month
  ends: 'count' | 'until' | 'never';
  count: number;
  until: string; // a date
}

export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
export const once = (): Rule | null => null;
export const weekly = (date: string): Rule => ({
  frequency: 'WEEKLY',
  interval: 1,
  days: [weekdayOf(date)],
  nth: 0,
  ends: 'count',
  count: 4,
  until: date,
});

/** Which weekday of its month a date is: 1 to 4, or -1 for the last where it is the fifth. */
export function nthOf(date: string): number {
  const n = Math.ceil(Number(date.slice(8, 10)) / 7);
  return n > 4 ? -1 : n;
}

/** The rule as RFC 5545 has it. until is the last instant that counts, in UTC. */
export function rrule(r: Rule, date: string, until: (date: string) => Date): string {
  const parts = ['FREQ=' + r.frequency];
  if (r.interval > 1) parts.push('INTERVAL=' + r.interval);
  if (r.frequency === 'WEEKLY' && r.days.length) parts.push('BYDAY=' + weekdays.filter((d) => r.days.includes(d)).join(','));
  if (r.frequency === 'MONTHLY' && r.nth) parts.push(`BYDAY=${r.nth}${weekdayOf(date)}`);
  if (r.ends === 'count') parts.push('COUNT=' + r.count);
  if (r.ends === 'until')
    parts.push(
      'UNTIL=' +
        until(r.until)
          .toISOString()
          .replace(/[-:]|\.\d+/g, ''),
    );
  return parts.join(';');
}

/** Reads a rule back into the choices of the form; null if the form cannot show it. */
export function parse(text: string, dateOf: (at: Date) => string): Rule | null {
  const p = new Map(text.split(';').map((x) => x.split('=') as [string, string]));
  const frequency = p.get('FREQ') as Frequency;
  const byDay = p.get('BYDAY')?.split(',') ?? [];
  const known = ['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST'];
  const plain = byDay.every((d) => weekdays.includes(d));
  const nth = !plain && byDay.length === 1 ? Number.parseInt(byDay[0]!, 10) : 0;
  if (!['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'].includes(frequency) || [...p.keys()].some((k) => !known.includes(k))) return null;
  if (byDay.length && !(frequency === 'WEEKLY' && plain) && !(frequency === 'MONTHLY' && nth)) return null;
  const until = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?$/.exec(p.get('UNTIL') ?? '');
  const last = until
    ? until[4]
      ? dateOf(new Date(`${until[1]}-${until[2]}-${until[3]}T${until[4]}:${until[5]}:${until[6]}Z`))
      : `${until[1]}-${until[2]}-${until[3]}`
    : '';
  return {
    frequency,
    interval: Number(p.get('INTERVAL') ?? 1),
    days: plain ? byDay : [],
    nth,
    ends: p.has('COUNT') ? 'count' : last ? 'until' : 'never',
    count: Number(p.get('COUNT') ?? 4),
    until: last,
  };
}

const dayName = (d: string, style: 'long' | 'short') =>
  format(new Date(Date.UTC(2024, 0, 1 + weekdays.indexOf(d), 12)), 'UTC', { weekday: style });
export const shortDayName = (d: string) => dayName(d, 'short');
const and = (list: string[]) => new Intl.ListFormat(lang(), { type: 'conjunction' }).format(list);

/** The rule in a sentence: Every 2 weeks on Monday and Friday, 10 times. */
export function words(r: Rule, date: string): string {
  const key = r.frequency.toLowerCase() as Lowercase<Frequency>;
  let text = r.interval > 1 ? t(`series.every.${key}`, { n: r.interval }) : t(`series.each.${key}`);
  const workdays = weekdays.slice(0, 5);
  if (r.frequency === 'WEEKLY' && r.days.length) {
    const list = weekdays.filter((d) => r.days.includes(d));
    text =
      r.interval === 1 && list.join() === workdays.join()
        ? t('series.workdays')
        : t('series.on', { text, days: and(list.map((d) => dayName(d, 'long'))) });
  }
  if (r.frequency === 'MONTHLY') {
    text = r.nth
      ? t('series.on.nth', { text, nth: t(`series.nth.${r.nth}` as 'series.nth.1'), day: dayName(weekdayOf(date), 'long') })
      : t('series.on.day', { text, day: Number(date.slice(8, 10)) });
  }
  if (r.ends === 'count') return t('series.count', { text, n: r.count });
  if (r.ends === 'until') return t('series.until', { text, date: format(new Date(r.until + 'T12:00:00Z'), 'UTC', { dateStyle: 'long' }) });
  return t('series.never', { text });
}
