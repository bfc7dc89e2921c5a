import type { Conflict } from '../api';

/** Who holds the time of a conflict, and what for, as far as one may know: ": Planning (Anna)". */
export function holder(c: Conflict): string {
  const title = c.heldBy?.title ?? '';
  const who = c.heldBy?.name || c.heldBy?.email || '';
  const text = title && who ? `${title} (${who})` : title || who;
  return text && ': ' + text;
}
