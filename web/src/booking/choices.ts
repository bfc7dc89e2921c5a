// What a person decides about the dates of a series that cannot be had as
// they are: leave one out, or take another time or resource for it.
import type { Alternative, PlanDate } from '../api';

/** By occurrence: '' undecided, 'skip', or the number of an alternative. */
export type Choices = Record<string, string>;

export const decided = (c: Choices, d: PlanDate) => Boolean(c[d.occurrence]);

/** The dates to leave out of the series, and what is booked instead of some. */
export function resolve(dates: PlanDate[], c: Choices): { exdates: string[]; instead: Alternative[] } {
  const out = { exdates: [] as string[], instead: [] as Alternative[] };
  for (const d of dates) {
    if (d.state === 'free' || !decided(c, d)) continue;
    out.exdates.push(d.occurrence);
    const a = c[d.occurrence] === 'skip' ? undefined : d.alternatives?.[Number(c[d.occurrence])];
    if (a) out.instead.push(a);
  }
  return out;
}

/** All that cannot be had are left out; what was decided stays. */
export function skipRest(dates: PlanDate[], c: Choices): Choices {
  return {
    ...Object.fromEntries(dates.filter((d) => d.state !== 'free').map((d) => [d.occurrence, 'skip'])),
    ...Object.fromEntries(Object.entries(c).filter(([, v]) => v)),
  };
}
