// The address says where one is: screens are paths, what they show is in the
// query.
import { closeTop } from './sheets';
import { dateOf, isDate } from './time';

let path = $state(location.pathname);
let query = $state(location.search);

window.addEventListener('popstate', () => {
  if (closeTop()) {
    history.pushState(null, '', path + query);
    return;
  }
  path = location.pathname;
  query = location.search;
});

export const here = () => path;
export const param = (name: string) => new URLSearchParams(query).get(name) ?? '';
/** A date of the address; today where there is none, or it is no date. */
export function dateParam(name: string, zone: string): string {
  const text = param(name);
  return isDate(text) ? text : dateOf(new Date(), zone);
}
export function go(to: string) {
  if (to === location.pathname + location.search) return;
  history.pushState(null, '', to);
  path = location.pathname;
  query = location.search;
  document.querySelector('main')?.scrollTo(0, 0);
}
/** Notes a value in the address without a step in the history. */
export function setParam(name: string, value: string) {
  const p = new URLSearchParams(location.search);
  if (value) p.set(name, value);
  else p.delete(name);
  const text = p.toString();
  history.replaceState(null, '', location.pathname + (text && '?' + text));
  query = location.search;
}
/** Lets plain links change the screen without loading the page. */
export function follow(e: MouseEvent) {
  const a = (e.target as HTMLElement).closest<HTMLAnchorElement>('a[href^="/"]');
  if (
    !a ||
    a.target ||
    a.hasAttribute('download') ||
    e.button !== 0 ||
    e.ctrlKey ||
    e.metaKey ||
    e.shiftKey ||
    a.pathname.startsWith('/api/') ||
    a.pathname === '/signin'
  )
    return;
  e.preventDefault();
  go(a.pathname + a.search);
}
