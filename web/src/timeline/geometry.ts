// The arithmetic of the timeline: from times to places and back, what a drag
// means, which rows and blocks are in view, and when something is closed.
// Times are milliseconds since 1970; places are pixels from the left edge.
import type { Policy } from '../api/types';
import { addDays, dateOf, instant, weekdayOf } from '../lib/time';

export const hour = 3600e3;

export interface Span {
  start: number;
  end: number;
}

/** What part of time is shown, and how wide. */
export interface Scale {
  from: number;
  till: number;
  perHour: number; // pixels
}

export const widthOf = (s: Scale) => ((s.till - s.from) / hour) * s.perHour;
export const xOf = (s: Scale, at: number) => ((at - s.from) / hour) * s.perHour;
export const timeAt = (s: Scale, x: number) => s.from + (x / s.perHour) * hour;

/** Where a block is drawn; null if none of it is on the scale. */
export function place(s: Scale, b: Span): { left: number; width: number } | null {
  const start = Math.max(b.start, s.from);
  const end = Math.min(b.end, s.till);
  return start < end ? { left: xOf(s, start), width: xOf(s, end) - xOf(s, start) } : null;
}

export const down = (at: number, from: number, step: number) => from + Math.floor((at - from) / step) * step;
export const up = (at: number, from: number, step: number) => from + Math.ceil((at - from) / step) * step;
export const near = (at: number, from: number, step: number) => from + Math.round((at - from) / step) * step;

/** What is pulled: a new span, a whole one, or one of its ends. */
export type Drag = { kind: 'create'; anchor: number } | { kind: 'move'; span: Span; grab: number } | { kind: 'start' | 'end'; span: Span };

/**
 * The span that a drag means when the pointer is at a time. It lies on steps
 * counted from the beginning of the scale, within it, and is never empty. A
 * span that is moved keeps its length.
 */
export function dragged(d: Drag, at: number, s: Pick<Scale, 'from' | 'till'>, step: number): Span {
  const to = Math.min(Math.max(at, s.from), s.till);
  switch (d.kind) {
    case 'create': {
      const start = down(Math.min(d.anchor, to), s.from, step);
      return {
        start: Math.min(start, s.till - step),
        end: Math.min(Math.max(up(Math.max(d.anchor, to), s.from, step), start + step), s.till),
      };
    }
    case 'move': {
      if (Math.abs(to - d.grab) < step / 2) return d.span;
      const length = d.span.end - d.span.start;
      const wanted = near(d.span.start + to - d.grab, s.from, step);
      // What begins or ends beyond the scale may stay there.
      const latest = Math.max(down(s.till - length, s.from, step), d.span.start);
      const start = Math.max(Math.min(s.from, d.span.start), Math.min(wanted, latest));
      return { start, end: start + length };
    }
    case 'start':
      return {
        start: Math.max(Math.min(s.from, d.span.start), Math.min(near(to, s.from, step), down(d.span.end - 1, s.from, step))),
        end: d.span.end,
      };
    case 'end':
      return {
        start: d.span.start,
        end: Math.min(Math.max(s.till, d.span.end), Math.max(near(to, s.from, step), up(d.span.start + 1, s.from, step))),
      };
  }
}

/** The rows to draw for a scroll position, with some above and below. */
export function rowsInView(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
  extra = 2,
): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - extra);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + extra);
  return { first, last: Math.max(first, last) };
}

/** The part of time to draw for a scroll position, in whole steps of pixels, so that it seldom changes. */
export function timeInView(s: Scale, scrollLeft: number, width: number, step = 200): Span {
  const left = Math.floor(scrollLeft / step) * step - step;
  const right = Math.ceil((scrollLeft + width) / step) * step + step;
  return { start: Math.max(s.from, timeAt(s, left)), end: Math.min(s.till, timeAt(s, right)) };
}

export const touches = (a: Span, b: Span) => a.start < b.end && a.end > b.start;

/** What of a busy span no block covers. */
export function subtract(span: Span, blocks: Span[]): Span[] {
  let rest = [span];
  for (const b of blocks) {
    rest = rest.flatMap((r) =>
      touches(b, r)
        ? [
            { start: r.start, end: b.start },
            { start: b.end, end: r.end },
          ].filter((x) => x.start < x.end)
        : [r],
    );
  }
  return rest;
}

/** When the rules close a resource between from and till: its closed days, and what is outside of binding opening hours. */
export function closedSpans(rules: Policy, zone: string, from: number, till: number): Span[] {
  const hours = rules.scheduleOnlyDuringWorkHours ? rules.workingHours : undefined;
  if (!hours && !rules.closedDays?.length) return [];
  const out: Span[] = [];
  const add = (start: number, end: number) => {
    const last = out.at(-1);
    if (start >= end || end <= from || start >= till) return;
    if (last && last.end >= start) last.end = Math.min(end, till);
    else out.push({ start: Math.max(start, from), end: Math.min(end, till) });
  };
  for (let day = dateOf(new Date(from), zone), at = instant(day, '00:00', zone).getTime(); at < till;) {
    const next = addDays(day, 1);
    const end = instant(next, '00:00', zone).getTime();
    if (rules.closedDays?.includes(day)) add(at, end);
    else if (hours && !hours.days.includes(weekdayOf(day))) add(at, end);
    else if (hours) {
      add(at, instant(day, hours.start, zone).getTime());
      add(hours.end === '24:00' ? end : instant(day, hours.end, zone).getTime(), end);
    }
    day = next;
    at = end;
  }
  return out;
}
