// A span on the clock on the wall, as forms have it.
import { addDays } from './time';

export interface Wall {
  date: string; // 2026-09-01
  start: string; // 14:30
  endDate: string;
  end: string;
}

const minutes = (date: string, time: string) => Date.parse(`${date}T${time}:00Z`) / 60e3;
const complete = (w: Pick<Wall, 'date' | 'start'>) => Boolean(w.date && w.start);

/** The end that keeps the length of a span whose beginning has moved. */
export function follow(before: Wall, to: Pick<Wall, 'date' | 'start'>): Pick<Wall, 'endDate' | 'end'> {
  if (!complete(before) || !complete(to) || !before.end || !before.endDate) return before;
  const end = minutes(to.date, to.start) + minutes(before.endDate, before.end) - minutes(before.date, before.start);
  const iso = new Date(end * 60e3).toISOString();
  return { endDate: iso.slice(0, 10), end: iso.slice(11, 16) };
}

/** The last day of a span of which nobody has chosen it: the next one, where it would end before its beginning. */
export function lastDay(w: Wall): string {
  if (!complete(w) || !w.end) return w.endDate;
  return w.end > w.start ? w.date : addDays(w.date, 1);
}

/** Whether a span reaches into another day, and not only until its midnight. */
export const overnight = (w: Wall) => w.endDate !== w.date && !(w.end === '00:00' && w.endDate === addDays(w.date, 1));
