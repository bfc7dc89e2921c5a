// The arithmetic of the timeline: from times to places and back, and which
// rows and blocks are in view.

export interface Block { start: number; end: number }

/** The part of [from, till) that a block covers, as fractions of it; null if none. */
export function place(b: Block, from: number, till: number): { left: number; width: number } | null {
  const s = Math.max(b.start, from);
  const e = Math.min(b.end, till);
  if (s >= e) return null;
  return { left: (s - from) / (till - from), width: (e - s) / (till - from) };
}

/** The time at a fraction of [from, till), cut down to a step. */
export function timeAt(fraction: number, from: number, till: number, step: number): number {
  const f = Math.min(Math.max(fraction, 0), 1);
  return Math.min(from + Math.floor((f * (till - from)) / step) * step, till - step);
}

/** The rows to draw for a scroll position, with some above and below. */
export function rowsInView(scrollTop: number, height: number, rowHeight: number, count: number, extra = 4): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - extra);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + extra);
  return { first, last: Math.max(first, last) };
}

/** What of a busy span no block covers. */
export function subtract(span: Block, blocks: Block[]): Block[] {
  let rest = [span];
  for (const b of blocks) {
    rest = rest.flatMap((r) => (b.end <= r.start || b.start >= r.end ? [r]
      : [{ start: r.start, end: b.start }, { start: b.end, end: r.end }].filter((x) => x.start < x.end)));
  }
  return rest;
}
