// Wall-clock time of a zone. A day of the timeline is a day of the zone, which
// is 23, 24 or 25 hours long.

const formats = new Map<string, Intl.DateTimeFormat>();
function parts(at: Date, zone: string): Record<string, number> {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, f);
  }
  return Object.fromEntries(
    f
      .formatToParts(at)
      .filter((p) => p.type !== 'literal')
      .map((p) => [p.type, Number(p.value)]),
  );
}

/** What a clock in the zone shows at an instant, as if that were UTC, in ms. */
function shown(at: Date, zone: string): number {
  const p = parts(at, zone);
  return Date.UTC(p.year!, p.month! - 1, p.day!, p.hour!, p.minute!, p.second!);
}

/** The instant at which a clock in the zone shows date (2026-09-01) and time (14:30). In a gap the offset before it holds, in an overlap the first of the two. */
export function instant(date: string, time: string, zone: string): Date {
  const wall = Date.parse(`${date}T${time}:00Z`);
  const before = shown(new Date(wall - 86400e3), zone) - (wall - 86400e3);
  const first = new Date(wall - before);
  if (shown(first, zone) === wall) return first;
  const after = shown(new Date(wall + 86400e3), zone) - (wall + 86400e3);
  const second = new Date(wall - after);
  return shown(second, zone) === wall ? second : first;
}

const two = (n: number) => String(n).padStart(2, '0');
export function dateOf(at: Date, zone: string): string {
  const p = parts(at, zone);
  return `${p.year}-${two(p.month!)}-${two(p.day!)}`;
}
export function timeOf(at: Date, zone: string): string {
  const p = parts(at, zone);
  return `${two(p.hour!)}:${two(p.minute!)}`;
}
export function addDays(date: string, n: number): string {
  return new Date(Date.parse(date + 'T00:00:00Z') + n * 86400e3).toISOString().slice(0, 10);
}
/** Whether a text is a date that there is. */
export const isDate = (text: string) =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
/** MO, TU, … of a date. */
export function weekdayOf(date: string): string {
  return ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][new Date(date + 'T12:00:00Z').getUTCDay()]!;
}
/** The Monday of a date's week. */
export const mondayOf = (date: string) => addDays(date, -((new Date(date + 'T12:00:00Z').getUTCDay() + 6) % 7));
/** The first day of the month that is so many months after that of a date. */
export function monthOf(date: string, later = 0): string {
  const d = new Date(date + 'T00:00:00Z');
  return new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + later, 1)).toISOString().slice(0, 10);
}
