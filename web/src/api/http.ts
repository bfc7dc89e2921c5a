// How the app speaks with the server. The sign-in is in HttpOnly cookies; an
// access token that has ended is renewed once, then the person is asked to
// sign in and comes back to the same place.
import { lang, t } from '../lib/i18n.svelte';
import type { Problem } from './types';

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Called before the page is left for the sign-in: what is unsaved is put away. */
export const leaving: Set<() => void> = new Set();

export function signIn(): never {
  leaving.forEach((keep) => keep());
  location.href = '/signin?lang=' + lang() + '&next=' + encodeURIComponent(location.pathname + location.search);
  throw new Error('not signed in');
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** A body that is not JSON. */
export interface Raw {
  type: string;
  data: Blob | string;
}
const isRaw = (body: unknown): body is Raw => typeof body === 'object' && body !== null && 'data' in body && 'type' in body;

export async function send(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const raw = isRaw(body);
  const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': raw ? body.type : 'application/json' };
  return fetch('/api/v2' + path, {
    method,
    credentials: 'same-origin',
    headers: { 'Accept-Language': lang(), ...type, ...headers },
    body: body === undefined ? undefined : raw ? body.data : JSON.stringify(body),
  });
}

// Several calls that find the sign-in at its end renew it once.
let renewal: Promise<boolean> | null = null;
function renew(): Promise<boolean> {
  renewal ??= send('POST', '/auth/refresh', {})
    .then((r) => r.ok)
    .finally(() => (renewal = null));
  return renewal;
}

export async function call<T>(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  let r: Response;
  try {
    r = await send(method, path, body, headers);
    if (r.status === 401) {
      if (!(await renew())) signIn();
      r = await send(method, path, body, headers);
      if (r.status === 401) signIn();
    }
  } catch (e) {
    if (e instanceof TypeError) throw new ApiError({ type: 'about:blank', title: t('error.title'), status: 0, detail: t('error.network') });
    throw e;
  }
  const data = await r.json().catch(() => ({}));
  if (!r.ok) throw new ApiError({ type: 'about:blank', title: t('error.title'), status: r.status, detail: t('error.unknown'), ...data });
  return data as T;
}

/** All pages of a list; page is told of what has come so far. */
export async function all<T>(path: string, page: (sofar: T[]) => void = () => undefined): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ''; ;) {
    const got = await call<{ items: T[]; nextCursor?: string }>('GET', path + (cursor && '&cursor=' + cursor));
    items.push(...got.items);
    if (!got.nextCursor) return items;
    page(items);
    cursor = got.nextCursor;
  }
}
