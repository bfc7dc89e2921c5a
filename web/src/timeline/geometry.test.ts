import { describe, expect, test } from 'vitest';
import {
  closedSpans,
  dragged,
  hour,
  place,
  rowsInView,
  subtract,
  timeAt,
  timeInView,
  touches,
  xOf,
  type Drag,
  type Scale,
  type Span,
} from './geometry';

const scale: Scale = { from: 0, till: 24 * hour, perHour: 72 };
const quarter = hour / 4;

describe('timeline geometry', () => {
  test('blocks are cut to the window', () => {
    expect(place(scale, { start: -5 * hour, end: hour })).toEqual({ left: 0, width: 72 });
    expect(place(scale, { start: 23 * hour, end: 30 * hour })).toEqual({ left: 23 * 72, width: 72 });
    expect(place(scale, { start: 24 * hour, end: 30 * hour })).toBeNull();
  });
  test('a place and its time are each other’s inverse', () => {
    for (const at of [0, 1, 7.25 * hour, 24 * hour]) expect(timeAt(scale, xOf(scale, at))).toBeCloseTo(at);
  });
  test('only rows in view are drawn', () => {
    expect(rowsInView(4000, 400, 40, 2000, 2)).toEqual({ first: 98, last: 112 });
    expect(rowsInView(0, 400, 40, 3)).toEqual({ first: 0, last: 3 });
    expect(rowsInView(9999, 400, 40, 3).last).toBeLessThanOrEqual(9999);
  });
  test('the time that is drawn covers what is in view, and seldom changes', () => {
    const a = timeInView(scale, 500, 800);
    expect(a.start).toBeLessThanOrEqual(timeAt(scale, 500));
    expect(a.end).toBeGreaterThanOrEqual(timeAt(scale, 1300));
    expect(timeInView(scale, 560, 800)).toEqual(a);
  });
  test('what is foreign is what no booking covers', () => {
    expect(
      subtract({ start: 0, end: 10 }, [
        { start: 2, end: 4 },
        { start: 8, end: 20 },
      ]),
    ).toEqual([
      { start: 0, end: 2 },
      { start: 4, end: 8 },
    ]);
    expect(subtract({ start: 0, end: 10 }, [{ start: 0, end: 10 }])).toEqual([]);
  });
});

describe('drag', () => {
  const span: Span = { start: 10 * hour, end: 11 * hour };
  const to = (d: Drag, at: number) => dragged(d, at, scale, quarter);
  test('a new span grows both ways from where it began', () => {
    expect(to({ kind: 'create', anchor: 9.1 * hour }, 10.3 * hour)).toEqual({ start: 9 * hour, end: 10.5 * hour });
    expect(to({ kind: 'create', anchor: 9.1 * hour }, 8.3 * hour)).toEqual({ start: 8.25 * hour, end: 9.25 * hour });
    expect(to({ kind: 'create', anchor: 9 * hour }, 9 * hour)).toEqual({ start: 9 * hour, end: 9.25 * hour });
  });
  test('what is moved follows where it was taken, and keeps its length', () => {
    expect(to({ kind: 'move', span, grab: 10.5 * hour }, 12.55 * hour)).toEqual({ start: 12 * hour, end: 13 * hour });
    expect(to({ kind: 'move', span, grab: 10.5 * hour }, 10.55 * hour)).toEqual(span); // hardly moved
    // What begins the day before, or ends the day after, stays as long and goes as far as it is pulled.
    const night = { start: -2 * hour, end: 6 * hour };
    expect(to({ kind: 'move', span: night, grab: 3 * hour }, 3.1 * hour)).toEqual(night);
    expect(to({ kind: 'move', span: night, grab: 3 * hour }, 4 * hour)).toEqual({ start: -hour, end: 7 * hour });
    const late = { start: 22 * hour, end: 30 * hour };
    expect(to({ kind: 'move', span: late, grab: 23 * hour }, 22 * hour)).toEqual({ start: 21 * hour, end: 29 * hour });
    expect(to({ kind: 'start', span: night }, 2 * hour)).toEqual({ start: 2 * hour, end: 6 * hour });
    expect(to({ kind: 'end', span: late }, 23 * hour)).toEqual({ start: 22 * hour, end: 23 * hour });
    expect(to({ kind: 'move', span, grab: 10.5 * hour }, -hour)).toEqual({ start: 0, end: hour });
    expect(to({ kind: 'move', span, grab: 10.5 * hour }, 99 * hour)).toEqual({ start: 23 * hour, end: 24 * hour });
  });
  test('an end cannot pass the other', () => {
    expect(to({ kind: 'end', span }, 12.1 * hour)).toEqual({ start: 10 * hour, end: 12 * hour });
    expect(to({ kind: 'end', span }, 8 * hour)).toEqual({ start: 10 * hour, end: 10.25 * hour });
    expect(to({ kind: 'start', span }, 9.1 * hour)).toEqual({ start: 9 * hour, end: 11 * hour });
    expect(to({ kind: 'start', span }, 15 * hour)).toEqual({ start: 10.75 * hour, end: 11 * hour });
  });
  test('whatever the pointer does, the span is on steps, within the scale and not empty', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 5000; i++) {
      const start = Math.floor(random() * 90) * quarter;
      const own = { start, end: start + (1 + Math.floor(random() * (95 - start / quarter))) * quarter };
      const anchor = random() * 24 * hour;
      const kind = (['create', 'move', 'start', 'end'] as const)[i % 4]!;
      const d: Drag =
        kind === 'create'
          ? { kind, anchor }
          : kind === 'move'
            ? { kind, span: own, grab: own.start + random() * (own.end - own.start) }
            : { kind, span: own };
      const got = to(d, (random() * 30 - 3) * hour);
      const text = JSON.stringify([d, got]);
      expect(got.start, text).toBeGreaterThanOrEqual(0);
      expect(got.end, text).toBeLessThanOrEqual(24 * hour);
      expect(got.end - got.start, text).toBeGreaterThanOrEqual(quarter);
      expect((got.start / quarter) % 1, text).toBe(0);
      if (kind === 'move') expect(got.end - got.start, text).toBe(own.end - own.start);
      if (kind === 'start') expect(got.end, text).toBe(own.end);
      if (kind === 'end') expect(got.start, text).toBe(own.start);
    }
  });
});

describe('closed hours', () => {
  const at = (text: string) => Date.parse(text);
  const from = at('2026-07-03T22:00:00Z'); // Saturday 4 July in Berlin
  const till = at('2026-07-06T22:00:00Z');
  const workingHours = { days: ['MO', 'TU', 'WE', 'TH', 'FR'], start: '08:00', end: '18:00' };
  test('hours that do not bind close nothing', () => {
    expect(closedSpans({ workingHours }, 'Europe/Berlin', from, till)).toEqual([]);
  });
  test('the weekend and the night are one span', () => {
    const found = closedSpans({ workingHours, scheduleOnlyDuringWorkHours: true }, 'Europe/Berlin', from, till);
    expect(found).toEqual([
      { start: from, end: at('2026-07-06T06:00:00Z') },
      { start: at('2026-07-06T16:00:00Z'), end: till },
    ]);
  });
  test('a closed day is that day of the resource’s zone', () => {
    expect(closedSpans({ closedDays: ['2026-07-05'] }, 'Europe/Berlin', from, till)).toEqual([
      { start: at('2026-07-04T22:00:00Z'), end: at('2026-07-05T22:00:00Z') },
    ]);
  });
  test('what only touches is no overlap', () => {
    expect(touches({ start: 0, end: 5 }, { start: 5, end: 9 })).toBe(false);
  });
});
