// Changes to a booking that are made by dragging: done at once, and undone
// from the message that tells of them.
import * as api from '../api';
import { clock, shortDay, t } from '../lib/i18n.svelte';
import { errorText, nameOf, say, shared, zone } from '../lib/session.svelte';

/** What a change sends of a booking that it leaves as it is. */
export function asRequest(b: api.Booking) {
  return {
    title: b.title,
    start: b.start,
    end: b.end,
    timeZone: b.timeZone,
    resources: b.resources.map((r) => (r.quantity && r.quantity > 1 ? { email: r.email, quantity: r.quantity } : r.email)),
    attendees: b.attendees.map((a) => ({ email: a.email, name: a.name, role: a.role })),
    location: b.location ?? '',
    description: b.description ?? '',
    private: b.private,
  };
}

/** Moves a booking, or this date of a series, to another time or another resource of the timeline. */
export async function moveBooking(b: api.Booking, to: string, start: number, end: number): Promise<void> {
  const old = { start: Date.parse(b.start), end: Date.parse(b.end) };
  const only = b.resources.length === 1 ? b.resources[0]!.email : undefined;
  const moves = only !== undefined && only !== to;
  const resources = moves ? [to] : asRequest(b).resources;
  if (old.start === start && old.end === end && !moves) return;
  try {
    const moved = await api.change(
      b,
      { ...asRequest(b), start: new Date(start).toISOString(), end: new Date(end).toISOString(), resources },
      'this',
    );
    shared.changes++;
    const place = moves ? nameOf(to) + ', ' : '';
    say(
      t('booking.movedTo', { title: b.title, when: `${place}${shortDay(start, zone())}, ${clock(start, zone())}–${clock(end, zone())}` }),
      async () => {
        try {
          await api.change({ ...moved, occurrence: b.occurrence }, { ...asRequest(b) }, 'this');
          say(t('booking.movedBack', { title: b.title }));
        } catch (e) {
          say(errorText(e));
        }
        shared.changes++;
      },
    );
  } catch (e) {
    shared.changes++;
    if (e instanceof api.ApiError && e.problem.conflicts?.[0]) {
      const c = e.problem.conflicts[0];
      say(
        t('booking.cannotMove', {
          title: b.title,
          resource: nameOf(c.resource),
          when: `${clock(c.start, zone())}–${clock(c.end, zone())}`,
        }),
      );
    } else if (e instanceof api.ApiError && e.problem.status === 412) {
      say(t('booking.changedMeanwhile', { title: b.title }));
    } else {
      say(errorText(e));
    }
  }
}
