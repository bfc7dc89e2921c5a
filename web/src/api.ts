// The calls of the public API that the app uses. The sign-in is in HttpOnly
// cookies; an access token that has ended is renewed once, then the person is
// asked to sign in and comes back to the same place.

import { t } from './i18n.svelte';

export interface Resource { email: string; name: string; type: string; capacity?: number; site?: string; floor?: string; features: string[]; timeZone: string; active: boolean; description?: string; units?: number }
export interface ResourceType { type: string; label: string; prefix: string }
export interface Draft { resource: string; date: string; start: string; end: string; title?: string; attendees?: Picked[]; also?: string[] }
export interface Picked { name: string; email?: string; group?: string }
export interface Sync { calendar: string; kind: string; state: 'synced' | 'pending' | 'failed'; lastError?: string }
export interface Booking {
  id: string; title: string; start: string; end: string; timeZone: string; status: string; private: boolean; canEdit: boolean; version: number;
  organizer: { email: string; name?: string }; resources: { email: string; name: string }[]; attendees: { email: string }[]; description?: string; sync: Sync[];
  recurrence?: { rrule: string }; occurrence?: string; occurrences: number;
}
export type Scope = 'this' | 'following' | 'all';
export interface Span { start: string; end: string; status: string }
export interface FreeBusy { email: string; busy: Span[]; error?: string }
export interface Me { email: string; realName: string; role: string; timeZone: string; tenant: { name: string; domain: string } }
export interface Alternative { start: string; end: string; resources: string[]; reason: string }
export interface Problem {
  title: string; status: number; detail: string; errors?: { pointer: string; detail: string }[];
  conflicts?: { resource: string; start: string; end: string; heldBy?: { email?: string; name?: string; title?: string } }[];
  alternatives?: Alternative[];
}
export class ApiError extends Error {
  constructor(readonly problem: Problem) { super(problem.detail); }
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch('/api/v2' + path, {
    method, credentials: 'same-origin',
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

export function signIn(): never {
  location.href = '/signin?next=' + encodeURIComponent(location.pathname + location.search);
  throw new Error('not signed in');
}

async function call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  let r: Response;
  try {
    r = await send(method, path, body, headers);
    if (r.status === 401) {
      if (!(await send('POST', '/auth/refresh', {})).ok) signIn();
      r = await send(method, path, body, headers);
      if (r.status === 401) signIn();
    }
  } catch (e) {
    if (e instanceof TypeError) throw new ApiError({ title: 'RMP', status: 0, detail: t('error.network') });
    throw e;
  }
  const data = await r.json().catch(() => ({}));
  if (!r.ok) throw new ApiError({ title: 'RMP', status: r.status, detail: t('error.unknown'), ...data });
  return data as T;
}

async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ''; ; ) {
    const page = await call<{ items: T[]; nextCursor?: string }>('GET', path + (cursor && '&cursor=' + cursor));
    items.push(...page.items);
    if (!page.nextCursor) return items;
    cursor = page.nextCursor;
  }
}

const q = encodeURIComponent;
export const me = () => call<Me>('GET', '/auth/me');
export const resources = () => all<Resource>('/resources?limit=1000');
export const bookings = (from: Date, till: Date) => all<Booking>(`/bookings?limit=1000&from=${q(from.toISOString())}&till=${q(till.toISOString())}`)
  .then((list) => list.filter((b) => b.status !== 'cancelled'));
export const mine = (from: Date, till: Date) => all<Booking>(`/bookings?limit=200&mine=true&from=${q(from.toISOString())}&till=${q(till.toISOString())}`);
export const booking = (id: string) => call<Booking>('GET', '/bookings/' + q(id));
export const freeBusy = (emails: string[], from: Date, till: Date) =>
  call<{ items: FreeBusy[] }>('POST', '/freebusy', { emails, from: from.toISOString(), till: till.toISOString() });
export const create = (b: unknown, key: string) => call<Booking>('POST', '/bookings', b, { 'Idempotency-Key': key });
export const cancel = (id: string, reason: string, scope: Scope = 'all', occurrence = '') =>
  call<Booking>('DELETE', `/bookings/${q(id)}?scope=${scope}${occurrence && '&occurrence=' + q(occurrence)}`, { reason });
export const restore = (id: string) => call<Booking>('POST', `/bookings/${q(id)}/restore`, {});
export interface HistoryEntry { at: string; actor: string; action: string; reason?: string }
export const history = (id: string) => call<{ items: HistoryEntry[] }>('GET', `/bookings/${q(id)}/history`);
export const move = (b: Booking, start: Date, end: Date) => call<Booking>('PUT', `/bookings/${q(b.id)}${b.recurrence ? `?scope=this&occurrence=${q(b.occurrence ?? b.start)}` : ''}`,
  { title: b.title, start: start.toISOString(), end: end.toISOString(), timeZone: b.timeZone, resources: b.resources.map((r) => r.email), attendees: b.attendees.map((a) => a.email), description: b.description ?? '', private: b.private }, { 'If-Match': `"${b.version}"` });
export interface PlanDate { start: string; end: string; state: 'free' | 'taken' | 'refused' | 'unknown'; conflicts?: Problem['conflicts']; refusals?: { detail: string }[]; alternatives?: Alternative[] }
export interface Plan { possible: boolean; dates: PlanDate[]; refusals: { detail: string }[] }
export const preview = (b: unknown) => call<Plan>('POST', '/bookings/preview', b);

export const types = () => call<{ items: ResourceType[] }>('GET', '/resource-types').then((r) => r.items);
export const freeResources = (params: Record<string, string>) => all<Resource>('/resources?' + new URLSearchParams({ limit: '200', ...params }).toString());
export interface Found { kind: 'person' | 'resource' | 'contact' | 'group'; name: string; email?: string; id?: string; detail?: string }
export const findPeople = (text: string) => call<{ items: Found[] }>('GET', `/people?limit=8&q=${q(text)}`).then((r) => r.items);
export interface Slot { start: string; end: string; resources: string[]; missing: string[]; score: number; reasons: { code: string; text: string }[] }
export interface Slots { slots: Slot[]; why: { name: string; text: string; share: number }[]; relaxations: { text: string; slot: Slot }[]; unknown: { email: string }[] }
export const slots = (body: unknown) => call<Slots>('POST', '/availability/slots', body);

export interface CalendarItem { name: string; owner: string; type: 'personal' | 'shared' | 'resource'; access: string; level: string }
export interface CalendarEvent { uid?: string; title?: string; start: string; end: string; allDay?: boolean; location?: string; description?: string; private?: boolean; busy: string; rrule?: string; occurrence?: string; booking?: boolean; organizer?: { email: string; name?: string } }
export const calendars = () => call<{ items: CalendarItem[] }>('GET', '/calendars').then((r) => r.items);
const eventsPath = (account: string) => `/calendars/${q(account)}/events`;
export const events = (account: string, from: Date, till: Date) => call<{ items: CalendarEvent[]; freeBusy?: boolean }>('GET', `${eventsPath(account)}?startDate=${q(from.toISOString())}&endDate=${q(till.toISOString())}`);
export const addEvent = (account: string, e: unknown) => call<CalendarEvent>('POST', eventsPath(account), e);
export const removeEvent = (account: string, e: CalendarEvent) => call<unknown>('DELETE', `${eventsPath(account)}/${q(e.uid ?? '')}?near=${q(e.start)}${e.occurrence ? '&occurrence=' + q(e.occurrence) : ''}`);
export async function importFile(account: string, text: string): Promise<{ created: number; updated: number; refused: number }> {
  const r = await fetch(`/api/v2/calendars/${q(account)}/import`, { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'text/calendar' }, body: text });
  const data = await r.json();
  if (!r.ok) throw new ApiError(data);
  return data;
}
export interface Delegate { delegate: string; rights: string; level: string; words: string[] }
export const delegates = (account: string) => call<{ items: Delegate[] }>('GET', `/calendars/${q(account)}/delegates`).then((r) => r.items);
export const setDelegate = (account: string, who: string, level: string) => call<Delegate>('PUT', `/calendars/${q(account)}/delegates/${q(who)}`, { level });
export const removeDelegate = (account: string, who: string) => call<unknown>('DELETE', `/calendars/${q(account)}/delegates/${q(who)}`);
export interface Invitation { id: number; from?: string; event: CalendarEvent }
export const invitations = () => call<{ items: Invitation[] }>('GET', '/invitations').then((r) => r.items);
export const answer = (id: number, how: string) => call<unknown>('POST', `/invitations/${id}/answer`, { answer: how });

export interface Contact { id: string; folder: string; name: string; company?: string; title?: string; note?: string; emails?: { value: string; types?: string[] }[]; phones?: { value: string; types?: string[] }[] }
export interface Group { id: string; folder: string; uid?: string; name: string; note?: string; members: { name?: string; address: string }[] }
export const contacts = (text: string) => all<Contact>('/contacts?limit=500&q=' + q(text));
export const groups = (text: string) => all<Group>('/contact-groups?limit=500&q=' + q(text));
export const saveContact = (id: string, c: unknown) => call<Contact>(id ? 'PUT' : 'POST', '/contacts' + (id && '/' + q(id)), c);
export const saveGroup = (id: string, g: unknown) => call<Group>(id ? 'PUT' : 'POST', '/contact-groups' + (id && '/' + q(id)), g);
export const removeContact = (id: string) => call<unknown>('DELETE', '/contacts/' + q(id));
export const removeGroup = (id: string) => call<unknown>('DELETE', '/contact-groups/' + q(id));

export interface Feed { id: string; resource?: string; createdAt: string; url?: string }
export const feeds = () => call<{ items: Feed[] }>('GET', '/feeds').then((r) => r.items);
export const makeFeed = (resource = '') => call<Feed>('POST', '/feeds', resource ? { resource } : {});
export const endFeed = (id: string) => call<unknown>('DELETE', '/feeds/' + q(id));

export interface Account { email: string; realName: string; role: string; active: boolean; lastLogin?: string }
export const users = (text: string) => all<Account>('/admin/users?limit=200&q=' + q(text));
export const saveUser = (email: string, u: unknown) => call<Account>(email ? 'PUT' : 'POST', '/admin/users' + (email && '/' + q(email)), u);
export const createResource = (r: unknown) => call<Resource>('POST', '/resources', r);
export const adopt = () => call<{ items: { result: string }[] }>('POST', '/admin/resources/adopt', {}).then((r) => r.items);
export interface FailedWrite { booking: Booking; sync: Sync }
export const failedWrites = () => call<{ items: FailedWrite[] }>('GET', '/admin/failed-writes').then((r) => r.items);
export const retryWrites = () => call<{ retried: number }>('POST', '/admin/failed-writes/retry', {});
export interface Overlap { id: string; booking: Booking; resource: string; start: string; end: string; other: { email?: string; title?: string } }
export const overlaps = () => call<{ items: Overlap[] }>('GET', '/admin/conflicts').then((r) => r.items);
export interface Check { resource: string; checkedAt?: string; lastError?: string }
export const checks = () => call<{ items: Check[] }>('GET', '/admin/calendar-checks').then((r) => r.items);
export interface AuditEntry { at: string; actor: string; action: string; target: string; outcome: 'done' | 'refused' | 'failed'; address?: string }
export const audit = (cursor: string) => call<{ items: AuditEntry[]; nextCursor?: string }>('GET', '/admin/audit?limit=50' + (cursor && '&cursor=' + q(cursor)));

/** Calls changed when a booking changes, whoever did it; answers how to stop. */
export function listen(changed: () => void): () => void {
  const source = new EventSource('/api/v2/events');
  for (const kind of ['created', 'changed', 'cancelled', 'restored', 'split', 'extended', 'conflict', 'solved', 'sync']) source.addEventListener('booking.' + kind, changed);
  return () => source.close();
}
export const signOut = async () => { await send('POST', '/auth/logout', {}); location.href = '/signin'; };
