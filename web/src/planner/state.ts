// How a time that is proposed stands with the calendars that were read.
import type { FreeBusy, Slot } from '../api';
import type { Span } from '../timeline/geometry';

export interface Standing {
  busy: string[]; // who is taken
  tentative: string[]; // who may be
  unknown: string[]; // whose calendar could not be read: never free
}

export function standing(calendars: FreeBusy[], s: Span): Standing {
  const out: Standing = { busy: [], tentative: [], unknown: [] };
  for (const c of calendars) {
    if (c.error) {
      out.unknown.push(c.email);
      continue;
    }
    const touching = c.busy.filter((b) => Date.parse(b.start) < s.end && Date.parse(b.end) > s.start);
    if (touching.some((b) => b.status !== 'tentative')) out.busy.push(c.email);
    else if (touching.length) out.tentative.push(c.email);
  }
  return out;
}

/** When somebody is taken, as far as is known; what is left of a day is free for all only if nothing is unknown. */
export function combined(calendars: FreeBusy[], from: number, till: number): Span[] {
  const all = calendars
    .flatMap((c) => c.busy.map((b) => ({ start: Math.max(Date.parse(b.start), from), end: Math.min(Date.parse(b.end), till) })))
    .filter((b) => b.start < b.end)
    .sort((a, b) => a.start - b.start);
  const out: Span[] = [];
  for (const b of all) {
    const last = out.at(-1);
    if (last && last.end >= b.start) last.end = Math.max(last.end, b.end);
    else out.push({ ...b });
  }
  return out;
}

/** The best that do not overlap each other, and if they are too few, the next best: not one afternoon in steps of a quarter. */
export function distinct(slots: Slot[], most: number): Slot[] {
  const kept: Slot[] = [];
  const touches = (a: Slot, b: Slot) => Date.parse(a.start) < Date.parse(b.end) && Date.parse(b.start) < Date.parse(a.end);
  for (const s of slots) if (kept.length < most && !kept.some((k) => touches(k, s))) kept.push(s);
  if (kept.length < 4) for (const s of slots) if (kept.length < Math.min(most, 6) && !kept.includes(s)) kept.push(s);
  return kept;
}
