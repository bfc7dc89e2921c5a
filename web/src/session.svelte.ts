// What all screens share: who is signed in, the resources, what was last said
// to the person, and that something has changed.
import * as api from './api';

export const shared = $state({
  me: null as api.Me | null,
  resources: [] as api.Resource[],
  types: [] as api.ResourceType[],
  message: '',
  undo: null as null | (() => void),
  changes: 0, // grows when a booking changes, whoever did it
  draft: null as api.Draft | null,
  shown: null as api.Booking | null,
});

export const zone = () => shared.me?.timeZone ?? 'UTC';
export const isAdmin = () => ['admin', 'super_admin'].includes(shared.me?.role ?? '');
export function say(message: string, undo: (() => void) | null = null) {
  shared.message = message;
  shared.undo = undo;
}
export const errorText = (e: unknown) => (e instanceof api.ApiError ? (e.problem.errors?.map((f) => f.detail).join('; ') || e.problem.detail) : e instanceof Error ? e.message : String(e));
export const nameOf = (email: string) => shared.resources.find((r) => r.email === email)?.name ?? email;
