// The language of the app: what the person chose, else that of the browser.
import { de } from '../lang/de';
import { en } from '../lang/en';

export type Key = keyof typeof en;
export type Catalogue = Record<Key, string>;
export const catalogues: Record<string, Catalogue> = { en, de };

const stored = typeof localStorage === 'undefined' ? null : localStorage.getItem('rmp.language');
const first = stored ?? (navigator.language.startsWith('de') ? 'de' : 'en');
const known = first in catalogues ? first : 'en';
let language = $state(known);

export const lang = () => language;
export function choose(l: string) {
  language = l;
  localStorage.setItem('rmp.language', l);
  document.documentElement.lang = l;
}
document.documentElement.lang = known;

/** The text of a key in the chosen language, with {name} replaced; {n:date|dates} is the word for one, or for any other number. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return catalogues[language]![key].replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (all, name: string, one?: string, other?: string) =>
    !(name in values) ? all : one === undefined ? String(values[name]) : Number(values[name]) === 1 ? one : other!,
  );
}
/** The text of a key that is put together, or what stands in for it. */
export function tOr(key: string, otherwise: string): string {
  return (catalogues[language] as Record<string, string>)[key] ?? otherwise;
}

// Dates: English as the world writes it unless the browser says otherwise.
const locale = () => (navigator.language.startsWith(language) ? navigator.language : language);
export const format = (at: Date, zone: string, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(locale(), { timeZone: zone, ...options }).format(at);
export const formatRange = (from: Date, till: Date, zone: string, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(locale(), { timeZone: zone, ...options }).formatRange(from, till);
export const clock = (at: string | number | Date, zone: string) => format(new Date(at), zone, { hour: '2-digit', minute: '2-digit' });
export const shortDay = (at: string | number | Date, zone: string) =>
  format(new Date(at), zone, { weekday: 'short', day: 'numeric', month: 'short' });
