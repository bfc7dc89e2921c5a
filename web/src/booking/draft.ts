// What the booking sheet is opened with.
import type { Draft } from '../api';
import { shared, zone } from '../lib/session.svelte';
import { dateOf, timeOf } from '../lib/time';

/** Opens the booking sheet for a resource and a time. */
export function openDraft(resource: string, start: Date, end: Date, more: Partial<Draft> = {}): void {
  const z = zone();
  const date = dateOf(start, z);
  const endDate = dateOf(end, z);
  shared.draft = { resource, date, start: timeOf(start, z), end: timeOf(end, z), ...(endDate === date ? {} : { endDate }), ...more };
}

const place = 'rmp.draft';
/** Puts away what is being written while the person has to sign in again. */
export const putAway = (d: Draft) => sessionStorage.setItem(place, JSON.stringify(d));
export function takeBack(): Draft | null {
  const text = sessionStorage.getItem(place);
  sessionStorage.removeItem(place);
  return text ? (JSON.parse(text) as Draft) : null;
}
