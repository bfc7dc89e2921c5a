// The calls of the public API that the app uses. The sign-in is in HttpOnly
// cookies; an access token that has ended is renewed once, then the person is
// asked to sign in and comes back to the same place.

export interface Resource { email: string; name: string; type: string; capacity?: number; site?: string; floor?: string; features: string[]; timeZone: string }
export interface Sync { calendar: string; kind: string; state: 'synced' | 'pending' | 'failed'; lastError?: string }
export interface Booking {
  id: string; title: string; start: string; end: string; timeZone: string; status: string; private: boolean; canEdit: boolean; version: number;
  organizer: { email: string; name?: string }; resources: { email: string; name: string }[]; attendees: { email: string }[]; description?: string; sync: Sync[];
  recurrence?: { rrule: string }; occurrence?: string; occurrences: number;
}
export type Scope = 'this' | 'following' | 'all';
export interface Span { start: string; end: string; status: string }
export interface FreeBusy { email: string; busy: Span[]; error?: string }
export interface Me { email: string; realName: string; role: string; timeZone: string; tenant: { name: string } }
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
    if (e instanceof TypeError) throw new ApiError({ title: 'No connection', status: 0, detail: 'The server cannot be reached. Check the network and try again.' });
    throw e;
  }
  const data = await r.json().catch(() => ({}));
  if (!r.ok) throw new ApiError({ title: 'Error', status: r.status, detail: 'Something went wrong.', ...data });
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
export const booking = (id: string) => call<Booking>('GET', '/bookings/' + q(id));
export const freeBusy = (emails: string[], from: Date, till: Date) =>
  call<{ items: FreeBusy[] }>('POST', '/freebusy', { emails, from: from.toISOString(), till: till.toISOString() });
export const create = (b: unknown, key: string) => call<Booking>('POST', '/bookings', b, { 'Idempotency-Key': key });
export const cancel = (id: string, reason: string, scope: Scope = 'all', occurrence = '') =>
  call<Booking>('DELETE', `/bookings/${q(id)}?scope=${scope}${occurrence && '&occurrence=' + q(occurrence)}`, { reason });
/** Calls changed when a booking changes, whoever did it; answers how to stop. */
export function listen(changed: () => void): () => void {
  const source = new EventSource('/api/v2/events');
  for (const kind of ['created', 'changed', 'cancelled', 'restored', 'split', 'extended', 'conflict', 'solved', 'sync']) source.addEventListener('booking.' + kind, changed);
  return () => source.close();
}
export const signOut = async () => { await send('POST', '/auth/logout', {}); location.href = '/signin'; };
