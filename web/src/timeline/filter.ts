// Which resources are shown: kept in the address, so that a view can be sent
// to somebody.
import type { Resource } from '../api';

export interface Filter {
  type: string;
  query: string;
  site: string;
  seats: number;
  features: string[];
  favourites: boolean;
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

export function matches(r: Resource, f: Filter, favourites: string[]): boolean {
  return (
    (!f.type || r.type === f.type) &&
    (!f.site || r.site === f.site) &&
    (r.capacity ?? 0) >= f.seats &&
    f.features.every((x) => r.features.includes(x)) &&
    (!f.favourites || favourites.includes(r.email)) &&
    folded([r.name, r.site ?? '', r.floor ?? '', ...r.features].join(' ')).includes(folded(f.query.trim()))
  );
}

/** What can be chosen from, among the resources of a type. */
export function choices(list: Resource[], type: string): { sites: string[]; features: string[] } {
  const of = list.filter((r) => !type || r.type === type);
  const sorted = (values: string[]) => [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b));
  return { sites: sorted(of.map((r) => r.site ?? '')), features: sorted(of.flatMap((r) => r.features)) };
}
