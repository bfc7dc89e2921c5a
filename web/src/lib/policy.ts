// The rules of a resource in plain words.
import type { Policy } from '../api/types';
import { format, lang, t } from './i18n.svelte';
import { shortDayName, weekdays } from './series';

/** A length of time, as people say it. */
export function length(minutes: number): string {
  const units: [number, 'day' | 'hour' | 'minute'][] = [
    [1440, 'day'],
    [60, 'hour'],
    [1, 'minute'],
  ];
  const parts: string[] = [];
  let rest = minutes;
  for (const [size, unit] of units) {
    const n = Math.floor(rest / size);
    if (n || (unit === 'minute' && !parts.length))
      parts.push(new Intl.NumberFormat(lang(), { style: 'unit', unit, unitDisplay: 'long' }).format(n));
    rest -= n * size;
  }
  return parts.join(' ');
}

/** Days as ranges where they follow each other: Mon–Fri, Sun. */
export function dayRanges(days: string[]): string {
  const at = weekdays.flatMap((d, i) => (days.includes(d) ? [i] : []));
  const runs: number[][] = [];
  for (const i of at) {
    const last = runs.at(-1);
    if (last && last.at(-1) === i - 1) last.push(i);
    else runs.push([i]);
  }
  const name = (i: number) => shortDayName(weekdays[i]!);
  return runs.map((r) => (r.length > 2 ? `${name(r[0]!)}–${name(r.at(-1)!)}` : r.map(name).join(', '))).join(', ');
}

/** What the rules say, one sentence each; empty if everything is allowed. */
export function policyWords(p: Policy): string[] {
  const out: string[] = [];
  const say = (when: unknown, text: () => string) => {
    if (when) out.push(text());
  };
  const hours = p.workingHours;
  say(p.scheduleOnlyDuringWorkHours && hours, () =>
    t('policy.hours', { days: dayRanges(hours!.days), from: hours!.start, till: hours!.end }),
  );
  const coming = (p.closedDays ?? []).filter((d) => d >= new Date().toISOString().slice(0, 10)).sort();
  say(coming.length, () =>
    t('policy.closed', {
      days:
        coming
          .slice(0, 5)
          .map((d) => format(new Date(d + 'T12:00:00Z'), 'UTC', { day: 'numeric', month: 'short' }))
          .join(', ') + (coming.length > 5 ? ' …' : ''),
    }),
  );
  say(p.minimumDurationInMinutes, () => t('policy.atLeast', { length: length(p.minimumDurationInMinutes!) }));
  say(p.maximumDurationInMinutes, () => t('policy.atMost', { length: length(p.maximumDurationInMinutes!) }));
  say(p.minimumLeadTimeInMinutes, () => t('policy.lead', { length: length(p.minimumLeadTimeInMinutes!) }));
  say(p.bookingWindowInDays, () => t('policy.window', { n: p.bookingWindowInDays! }));
  say(p.allowRecurringMeetings === false, () => t('policy.once'));
  say(p.allowRecurringMeetings !== false && p.maximumOccurrences, () => t('policy.dates', { n: p.maximumOccurrences! }));
  say(p.setupTimeInMinutes, () => t('policy.setup', { length: length(p.setupTimeInMinutes!) }));
  say(p.teardownTimeInMinutes, () => t('policy.teardown', { length: length(p.teardownTimeInMinutes!) }));
  say(p.allBookInPolicy === false, () => t('policy.who', { who: (p.bookInPolicy ?? []).map(whoWords).join(', ') || t('role.admin') }));
  for (const q of p.quotas ?? []) {
    const most = [
      q.maximumBookings ? t('policy.nBookings', { n: q.maximumBookings }) : '',
      q.maximumMinutes ? length(q.maximumMinutes) : '',
    ]
      .filter(Boolean)
      .join(', ');
    out.push(
      t('policy.quota', { most, period: t(`policy.period.${q.period}`), scope: q.scope === 'type' ? t('policy.ofType') : '' }).trim(),
    );
  }
  return out;
}

function whoWords(who: string): string {
  if (who.startsWith('role:')) return t(`role.${who.slice(5)}` as 'role.manager');
  return who.startsWith('@') ? t('policy.everybodyOf', { domain: who.slice(1) }) : who;
}
