// What the booking sheet is opened with.
import type { Booking, Draft } from '../api';
import { shared, zone } from '../lib/session.svelte';
import { addDays, dateOf, timeOf } from '../lib/time';

/** Opens the booking sheet for a resource and a time. */
export function openDraft(resource: string, start: Date, end: Date, more: Partial<Draft> = {}): void {
  const z = zone();
  const date = dateOf(start, z);
  const endDate = dateOf(end, z);
  shared.draft = { resource, date, start: timeOf(start, z), end: timeOf(end, z), ...(endDate === date ? {} : { endDate }), ...more };
}

/** What the sheet shows of a booking: to change it, or to book the like again. */
export function draftOf(b: Booking, days = 0): Draft {
  const [from, till] = [new Date(b.start), new Date(b.end)];
  const [date, endDate] = [dateOf(from, b.timeZone), dateOf(till, b.timeZone)];
  return {
    resource: b.resources[0]?.email ?? '',
    also: b.resources.slice(1).map((r) => r.email),
    quantities: Object.fromEntries(b.resources.map((r) => [r.email, r.quantity ?? 1])),
    title: b.title,
    description: b.description ?? '',
    location: b.location ?? '',
    private: b.private,
    zone: b.timeZone,
    date: addDays(date, days),
    start: timeOf(from, b.timeZone),
    end: timeOf(till, b.timeZone),
    ...(endDate === date ? {} : { endDate: addDays(endDate, days) }),
    attendees: b.attendees.map((a) => ({ name: a.name || a.email, email: a.email, role: a.role === 'optional' ? 'optional' : 'required' })),
  };
}

const place = 'rmp.draft';
/** Puts away what is being written while the person has to sign in again. */
export const putAway = (d: Draft) => sessionStorage.setItem(place, JSON.stringify({ ...d, kept: true }));
export function takeBack(): Draft | null {
  const text = sessionStorage.getItem(place);
  sessionStorage.removeItem(place);
  return text ? (JSON.parse(text) as Draft) : null;
}
