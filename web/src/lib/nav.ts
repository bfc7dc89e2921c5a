// The screens: their addresses, names and icons, in groups, and who sees
// them. A new screen is a line here. (Approvals and reports belong into the
// group manage; the door panel is a page of its own, outside of the app.)
import type { Component } from 'svelte';
import type { Key } from './i18n.svelte';
import type { IconName } from './icons';
import { isManager } from './session.svelte';
import Today from '../screens/Today.svelte';

type Load = () => Promise<{ default: Component }>;
export interface Place {
  path: string;
  key: Key;
  icon: IconName;
  group: 'book' | 'people' | 'manage' | 'hidden';
  load: Load;
  may?: () => boolean;
}

// The first screen comes with the app, the others when they are opened.
export const places: Place[] = [
  { path: '/', key: 'nav.today', icon: 'today', group: 'book', load: () => Promise.resolve({ default: Today }) },
  { path: '/timeline', key: 'nav.timeline', icon: 'timeline', group: 'book', load: () => import('../screens/Timeline.svelte') },
  { path: '/find', key: 'nav.find', icon: 'find', group: 'book', load: () => import('../screens/Find.svelte') },
  { path: '/planner', key: 'nav.planner', icon: 'planner', group: 'book', load: () => import('../screens/Planner.svelte') },
  { path: '/bookings', key: 'nav.bookings', icon: 'bookings', group: 'book', load: () => import('../screens/Bookings.svelte') },
  { path: '/calendar', key: 'nav.calendar', icon: 'calendar', group: 'people', load: () => import('../screens/Calendar.svelte') },
  { path: '/contacts', key: 'nav.contacts', icon: 'contacts', group: 'people', load: () => import('../screens/Contacts.svelte') },
  { path: '/admin', key: 'nav.admin', icon: 'admin', group: 'manage', load: () => import('../screens/Admin.svelte'), may: isManager },
  { path: '/resource', key: 'nav.resource', icon: 'resource', group: 'hidden', load: () => import('../screens/Resource.svelte') },
];
export const placeOf = (path: string) => places.find((p) => p.path === path);
export const shownPlaces = () => places.filter((p) => p.group !== 'hidden' && (p.may?.() ?? true));
