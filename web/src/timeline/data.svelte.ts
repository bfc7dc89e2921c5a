// What the timeline knows of a span of days: the bookings, and what else is in
// the calendars of the resources that are in view.
import { untrack } from 'svelte';
import * as api from '../api';
import { errorText } from '../lib/session.svelte';
import { subtract, type Span } from './geometry';

export interface Item extends Span {
  booking: api.Booking;
}
export interface Row {
  own: Item[];
  foreign: Span[];
  error?: string;
}

const chunk = 100; // calendars asked for at once
const again = 5000; // ms
const nothing: Item[] = [];

export class TimelineData {
  loading = $state(true);
  sofar = $state(0); // bookings that have come, while more do
  error = $state('');
  #items = $state.raw(new Map<string, Item[]>());
  #busy = $state.raw(new Map<string, api.FreeBusy>());
  #span: { from: number; till: number } = { from: 0, till: 0 };
  #turn = 0;
  #wanted: string[] = [];
  #asking = false;
  #stale = new Set<string>();
  #again: ReturnType<typeof setTimeout> | undefined;

  /** Reads [from, till) anew. What was shown stays until then if it is of the same days. */
  async load(from: number, till: number): Promise<void> {
    const mine = ++this.#turn;
    if (from !== this.#span.from || till !== this.#span.till) {
      this.#span = { from, till };
      this.#items = new Map();
      this.#busy = new Map();
      this.loading = true;
    }
    this.#stale = new Set(this.#busy.keys());
    void this.#ask();
    try {
      const list = await api.bookings(new Date(from), new Date(till), (part) => {
        if (mine === this.#turn) this.sofar = part.length;
      });
      if (mine !== this.#turn) return; // other days were chosen meanwhile
      this.#items = byResource(list);
      this.error = '';
    } catch (e) {
      if (mine === this.#turn) this.error = errorText(e);
    } finally {
      if (mine === this.#turn) {
        this.loading = false;
        this.sofar = 0;
      }
    }
  }

  /** Says whose calendars are in view. */
  want(emails: string[]) {
    this.#wanted = emails;
    untrack(() => void this.#ask());
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (;;) {
        const span = this.#span;
        const next = this.#wanted.filter((e) => !this.#busy.has(e) || this.#stale.has(e)).slice(0, chunk);
        if (!next.length || !span.till) return;
        let got: api.FreeBusy[];
        try {
          got = await api.freeBusy(next, new Date(span.from), new Date(span.till));
        } catch {
          // Not known is shown as not known, and asked for again with the next change.
          got = next.map((email) => ({ email, busy: [], error: 'unknown' }));
        }
        if (span !== this.#span) continue;
        for (const e of next) this.#stale.delete(e);
        this.#busy = new Map([...this.#busy, ...got.map((f) => [f.email, f] as const)]);
      }
    } finally {
      this.#asking = false;
      this.#retry();
    }
  }

  /** What could not be read is asked for again soon: the mail server comes back without saying so. */
  #retry() {
    clearTimeout(this.#again);
    if (!this.#wanted.some((e) => this.#busy.get(e)?.error)) return;
    this.#again = setTimeout(() => {
      for (const e of this.#wanted) if (this.#busy.get(e)?.error) this.#stale.add(e);
      void this.#ask();
    }, again);
  }

  /** Ends it: nothing is asked for any more. */
  stop() {
    this.#wanted = [];
    clearTimeout(this.#again);
  }

  row(email: string): Row {
    const own = this.#items.get(email) ?? nothing;
    const f = this.#busy.get(email);
    const foreign = (f?.busy ?? []).flatMap((s) => subtract({ start: Date.parse(s.start), end: Date.parse(s.end) }, own));
    return { own, foreign, error: f?.error };
  }

  /** Whether nothing is known to take any of a span. */
  free(email: string, span: Span): boolean {
    const r = this.row(email);
    return !r.error && ![...r.own, ...r.foreign].some((x) => x.start < span.end && x.end > span.start);
  }
}

export function byResource(list: api.Booking[]): Map<string, Item[]> {
  const out = new Map<string, Item[]>();
  for (const booking of list) {
    const item = { booking, start: Date.parse(booking.start), end: Date.parse(booking.end) };
    for (const r of booking.resources) {
      const row = out.get(r.email);
      if (row) row.push(item);
      else out.set(r.email, [item]);
    }
  }
  return out;
}
