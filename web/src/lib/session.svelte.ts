// What all screens share: who is signed in, the resources, what was last said
// to the person, and that something has changed.
import * as api from '../api';

export const shared = $state({
  me: null as api.Me | null,
  types: [] as api.ResourceType[],
  favourites: [] as string[],
  message: '',
  undo: null as null | (() => void),
  lasting: false, // the message stays until it is closed
  changes: 0, // grows when a booking changes, whoever did it
  draft: null as api.Draft | null, // open in the booking sheet
  shown: null as api.Booking | null, // open in the sheet of a booking
  editing: null as api.Booking | null, // open in the booking sheet to be changed
  resumed: null as api.Draft | null, // how far that had come before a new sign-in
  help: false,
});

// Thousands of resources are replaced as a whole, not watched one by one.
let list = $state.raw<api.Resource[]>([]);
const byEmail = $derived(new Map(list.map((r) => [r.email, r])));

export const resources = () => list;
export const resourceOf = (email: string) => byEmail.get(email);
export const nameOf = (email: string) => byEmail.get(email)?.name ?? email;
export async function loadResources() {
  list = await api.resources();
}

export async function load() {
  const [me, all, types, favourites] = await Promise.all([api.me(), api.resources(), api.types(), api.favourites()]);
  list = all;
  shared.me = me;
  shared.types = types;
  shared.favourites = favourites;
}

export const zone = () => shared.me?.timeZone ?? 'UTC';
export const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** Whether the times that are shown are not those of the clock on the wall here. */
export const foreignZone = () => hereZone !== zone();
export const isAdmin = () => ['admin', 'super_admin'].includes(shared.me?.role ?? '');
export const isManager = () => shared.me?.role === 'manager' || isAdmin();

export function say(message: string, undo: (() => void) | null = null, lasting = false) {
  shared.message = message;
  shared.undo = undo;
  shared.lasting = lasting;
}

export function errorText(e: unknown): string {
  if (e instanceof api.ApiError) return e.problem.errors?.map((f) => f.detail).join('; ') || e.problem.detail;
  return e instanceof Error ? e.message : String(e);
}
/** Runs what somebody asked for; if it fails, says why. */
export async function attempt(f: () => Promise<unknown>): Promise<boolean> {
  try {
    await f();
    return true;
  } catch (e) {
    say(errorText(e));
    return false;
  }
}

export async function mark(email: string) {
  const marked = !shared.favourites.includes(email);
  shared.favourites = marked ? [...shared.favourites, email] : shared.favourites.filter((x) => x !== email);
  if (!(await attempt(() => api.setFavourite(email, marked)))) shared.favourites = await api.favourites();
}
