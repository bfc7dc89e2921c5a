// The calls of the public API that the app uses.
import { lang } from '../lib/i18n.svelte';
import { all, call } from './http';
import type * as T from './types';

export * from './types';
export { ApiError, leaving, send } from './http';

const q = encodeURIComponent;
const iso = (d: Date) => q(d.toISOString());
const items = <X>(r: { items: X[] }) => r.items;
interface Items<X> {
  items: X[];
}

export const me = () => call<T.Me>('GET', '/auth/me');

// Resources.
export const resources = () => all<T.Resource>('/resources?limit=1000');
export const resource = (email: string) => call<T.Resource>('GET', '/resources/' + q(email));
export const types = () => call<Items<T.ResourceType>>('GET', '/resource-types').then(items);
export const freeResources = (params: Record<string, string>) =>
  all<T.Resource>('/resources?' + new URLSearchParams({ limit: '200', ...params }).toString());
export const favourites = () => call<Items<string>>('GET', '/favourites').then(items);
export const setFavourite = (email: string, marked: boolean) =>
  call<unknown>(marked ? 'PUT' : 'DELETE', '/favourites/' + q(email), marked ? {} : undefined);
export const createResource = (r: unknown) => call<T.Resource>('POST', '/resources', r);
export const changeResource = (email: string, r: T.ResourceChange) => call<T.Resource>('PUT', '/resources/' + q(email), r);
/** force cancels its future bookings, account removes its account on the mail server too. */
export const deleteResource = (email: string, force: boolean, account: boolean) =>
  call<unknown>('DELETE', `/resources/${q(email)}?force=${force}&account=${account}`);
export const setPhoto = (email: string, file: File) =>
  call<unknown>('PUT', `/resources/${q(email)}/photo`, { type: file.type || 'image/png', data: file });
export const removePhoto = (email: string) => call<unknown>('DELETE', `/resources/${q(email)}/photo`);
export const typePolicy = (type: string) => call<T.Policy>('GET', `/resource-types/${q(type)}/policy`);
export const setTypePolicy = (type: string, p: T.Policy) => call<T.Policy>('PUT', `/resource-types/${q(type)}/policy`, p);

// Bookings.
export const bookings = (from: Date, till: Date, page?: (sofar: T.Booking[]) => void) =>
  all<T.Booking>(`/bookings?limit=1000&from=${iso(from)}&till=${iso(till)}`, page).then((list) =>
    list.filter((b) => b.status !== 'cancelled'),
  );
export const bookingsOf = (resource: string, from: Date, till: Date) =>
  all<T.Booking>(`/bookings?limit=1000&resource=${q(resource)}&from=${iso(from)}&till=${iso(till)}`).then((list) =>
    list.filter((b) => b.status !== 'cancelled'),
  );
export const mine = (from: Date, till: Date) => all<T.Booking>(`/bookings?limit=200&mine=true&from=${iso(from)}&till=${iso(till)}`);
export const booking = (id: string) => call<T.Booking>('GET', '/bookings/' + q(id));
export const create = (b: unknown, key: string) => call<T.Booking>('POST', '/bookings', b, { 'Idempotency-Key': key });
/** What would happen; changing is the id of a booking that is to be changed. */
export const preview = (b: unknown, changing = '') =>
  call<T.Plan>('POST', '/bookings/preview' + (changing && '?booking=' + q(changing)), b);
export const history = (id: string) => call<Items<T.HistoryEntry>>('GET', `/bookings/${q(id)}/history`).then(items);
/** Takes a cancellation back: of the booking, or of one date of a series. */
export const restore = (id: string, occurrence = '') =>
  call<T.Booking>('POST', `/bookings/${q(id)}/restore${occurrence && '?occurrence=' + q(occurrence)}`, {});
const scoped = (scope: T.Scope, occurrence = '') => `?scope=${scope}${occurrence && '&occurrence=' + q(occurrence)}`;
export const cancel = (id: string, reason: string, scope: T.Scope = 'all', occurrence = '') =>
  call<T.Booking>('DELETE', `/bookings/${q(id)}${scoped(scope, occurrence)}`, { reason });
/** Changes a booking, if it is still of the version that was read. */
export const change = (b: T.Booking, body: unknown, scope: T.Scope = 'all') =>
  call<T.Booking>('PUT', `/bookings/${q(b.id)}${b.recurrence ? scoped(scope, b.occurrence ?? b.start) : ''}`, body, {
    'If-Match': `"${b.version}"`,
  });

// Availability.
export const freeBusy = (emails: string[], from: Date, till: Date) =>
  call<Items<T.FreeBusy>>('POST', '/freebusy', { emails, from: from.toISOString(), till: till.toISOString() }).then(items);
export const slots = (body: unknown) => call<T.Slots>('POST', '/availability/slots', body);

// People, their calendars and contacts.
export const findPeople = (text: string) => call<Items<T.Found>>('GET', `/people?limit=8&q=${q(text)}`).then(items);
export const calendars = () => call<Items<T.CalendarItem>>('GET', '/calendars').then(items);
const eventsPath = (account: string) => `/calendars/${q(account)}/events`;
const oneEvent = (account: string, e: T.CalendarEvent) =>
  `${eventsPath(account)}/${q(e.uid ?? '')}?near=${q(e.start)}${e.occurrence ? '&occurrence=' + q(e.occurrence) : ''}`;
export const events = (account: string, from: Date, till: Date) =>
  call<Items<T.CalendarEvent> & { freeBusy?: boolean }>('GET', `${eventsPath(account)}?startDate=${iso(from)}&endDate=${iso(till)}`);
export const addEvent = (account: string, e: unknown) => call<T.CalendarEvent>('POST', eventsPath(account), e);
export const changeEvent = (account: string, old: T.CalendarEvent, e: unknown) => call<T.CalendarEvent>('PUT', oneEvent(account, old), e);
export const removeEvent = (account: string, e: T.CalendarEvent) => call<unknown>('DELETE', oneEvent(account, e));
export const importFile = (account: string, text: string) =>
  call<{ created: number; updated: number; refused: number }>('POST', `/calendars/${q(account)}/import`, {
    type: 'text/calendar',
    data: text,
  });
export const delegates = (account: string) => call<Items<T.Delegate>>('GET', `/calendars/${q(account)}/delegates`).then(items);
export const setDelegate = (account: string, who: string, level: string) =>
  call<T.Delegate>('PUT', `/calendars/${q(account)}/delegates/${q(who)}`, { level });
export const removeDelegate = (account: string, who: string) => call<unknown>('DELETE', `/calendars/${q(account)}/delegates/${q(who)}`);
export const invitations = () => call<Items<T.Invitation>>('GET', '/invitations').then(items);
export const answer = (id: number, how: string) => call<unknown>('POST', `/invitations/${id}/answer`, { answer: how });
export const folders = () => call<Items<T.ContactFolder>>('GET', '/contact-folders').then(items);
export const addFolder = (name: string) => call<unknown>('POST', '/contact-folders', { name });
export const removeFolder = (name: string) => call<unknown>('DELETE', '/contact-folders/' + q(name));
const inFolder = (folder: string) => (folder ? '&folder=' + q(folder) : '');
export const contacts = (text: string, folder = '') => all<T.Contact>(`/contacts?limit=500&q=${q(text)}${inFolder(folder)}`);
export const groups = (text: string, folder = '') => all<T.Group>(`/contact-groups?limit=500&q=${q(text)}${inFolder(folder)}`);
export const group = (id: string) => call<T.Group>('GET', '/contact-groups/' + q(id));
export const saveContact = (id: string, c: unknown) => call<T.Contact>(id ? 'PUT' : 'POST', '/contacts' + (id && '/' + q(id)), c);
export const saveGroup = (id: string, g: unknown) => call<T.Group>(id ? 'PUT' : 'POST', '/contact-groups' + (id && '/' + q(id)), g);
export const removeContact = (id: string) => call<unknown>('DELETE', '/contacts/' + q(id));
export const removeGroup = (id: string) => call<unknown>('DELETE', '/contact-groups/' + q(id));
export const feeds = () => call<Items<T.Feed>>('GET', '/feeds').then(items);
export const makeFeed = (resource = '') => call<T.Feed>('POST', '/feeds', resource ? { resource } : {});
export const endFeed = (id: string) => call<unknown>('DELETE', '/feeds/' + q(id));

// Administration.
export const users = (text: string) => all<T.Account>('/admin/users?limit=200&q=' + q(text));
export const saveUser = (email: string, u: unknown) =>
  call<T.Account>(email ? 'PUT' : 'POST', '/admin/users' + (email && '/' + q(email)), u);
export const adopt = () => call<Items<{ result: string }>>('POST', '/admin/resources/adopt', {}).then(items);
export const failedWrites = () => call<Items<T.FailedWrite>>('GET', '/admin/failed-writes').then(items);
export const retryWrites = () => call<{ retried: number }>('POST', '/admin/failed-writes/retry', {});
export const overlaps = () => call<Items<T.Overlap>>('GET', '/admin/conflicts').then(items);
export const calendarChecks = () => call<Items<T.CalendarCheck>>('GET', '/admin/calendar-checks').then(items);
export const audit = (filter: Record<string, string>) =>
  call<Items<T.AuditEntry> & { nextCursor?: string }>('GET', '/admin/audit?' + new URLSearchParams({ limit: '50', ...filter }).toString());
export const doctor = () => call<T.DoctorReport>('GET', '/admin/doctor');
export const doctorFix = (checks: string[]) => call<T.DoctorRun>('POST', '/admin/doctor/fix', { checks });
export const doctorUndo = (run: string) => call<T.DoctorRun>('POST', '/admin/doctor/undo', { run });
export const domains = () => call<Items<T.Domain>>('GET', '/admin/domains').then(items);
export const domainSettings = (domain: string) =>
  call<{ settings: Record<string, string> }>('GET', `/admin/domains/${q(domain)}/settings`).then((r) => r.settings);
export const importResources = (text: string, dryRun: boolean, update: boolean) =>
  call<T.ImportedResources>('POST', `/resources/import?dryRun=${dryRun}&update=${update}`, { type: 'text/csv', data: text });
export const settings = () => call<T.Settings>('GET', '/admin/settings');
export const saveSettings = (s: unknown) => call<T.Settings>('PUT', '/admin/settings', s);

const kinds = ['created', 'changed', 'cancelled', 'restored', 'split', 'extended', 'conflict', 'solved', 'replied', 'sync'];
/** Calls changed when a booking changes, whoever did it; answers how to stop. */
export function listen(changed: () => void): () => void {
  const source = new EventSource('/api/v2/events');
  for (const kind of kinds) source.addEventListener('booking.' + kind, changed);
  // After a silence much may have happened.
  let first = true;
  source.addEventListener('open', () => {
    if (!first) changed();
    first = false;
  });
  return () => source.close();
}
export const signOut = async () => {
  await call<unknown>('POST', '/auth/logout', {}).catch(() => undefined);
  location.href = '/signin?lang=' + lang();
};
