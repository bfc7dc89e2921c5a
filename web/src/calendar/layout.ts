// How events that overlap share the width of a day.
import type { Span } from '../timeline/geometry';

export interface Placed<E extends Span> {
  event: E;
  column: number;
  columns: number;
}

/** Gives each event the first column that is free; those that touch share the width. */
export function columns<E extends Span>(events: E[]): Placed<E>[] {
  const sorted = [...events].sort((a, b) => a.start - b.start || b.end - a.end);
  const out: Placed<E>[] = [];
  let cluster: Placed<E>[] = [];
  let ends: number[] = [];
  const close = () => {
    for (const p of cluster) p.columns = ends.length;
    cluster = [];
    ends = [];
  };
  for (const event of sorted) {
    if (ends.length && ends.every((e) => e <= event.start)) close();
    let column = ends.findIndex((e) => e <= event.start);
    if (column < 0) column = ends.length;
    ends[column] = event.end;
    const p = { event, column, columns: 1 };
    cluster.push(p);
    out.push(p);
  }
  close();
  return out;
}
