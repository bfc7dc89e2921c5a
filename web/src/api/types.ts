// The API's types, from its OpenAPI document (npm run gen), and the few that
// are the app's own.
import type { Rule } from '../lib/series';
import type { components } from './schema';

// The generator lets every list be null, which the server never answers.
type Solid<T> = T extends (infer U)[] ? Solid<U>[] : T extends object ? { [K in keyof T]: Solid<Exclude<T[K], null>> } : T;
type Of<K extends keyof components['schemas']> = Solid<components['schemas'][K]>;

export type Resource = Of<'Resource'>;
export type ResourceType = Of<'ResourceType'>;
export type ResourceChange = Of<'ResourceChange'>;
export type Policy = Of<'Policy'>;
export type Quota = Of<'Quota'>;
export type Booking = Of<'Booking'>;
export type BookingException = Of<'Exception'>;
export type Sync = Of<'Sync'>;
export type BusySpan = Of<'BusySpan'>;
export type FreeBusy = Of<'FreeBusy'>;
export type Me = Of<'Me'>;
export type Alternative = Of<'Alternative'>;
export type Problem = Of<'Problem'>;
export type Conflict = Of<'Conflict'>;
export type HistoryEntry = Of<'HistoryEntry'>;
export type Plan = Of<'Preview'>;
export type PlanDate = Of<'PreviewDate'>;
export type Found = Of<'Found'>;
export type Slot = Of<'SlotItem'>;
export type Slots = Of<'SlotsOutputBody'>;
export type CalendarItem = Of<'Calendar'>;
export type CalendarEvent = Of<'CalendarEvent'>;
export type Delegate = Of<'Delegate'>;
export type Invitation = Of<'InvitationItem'>;
export type Contact = Of<'Contact'>;
export type ContactFolder = Of<'ContactFolder'>;
export type Group = Of<'ContactGroup'>;
export type Feed = Of<'Feed'>;
export type Account = Of<'Account'>;
export type FailedWrite = Of<'FailedItem'>;
export type Overlap = Of<'ConflictItem'>;
export type CalendarCheck = Of<'CheckItem'>;
export type AuditEntry = Of<'AuditEntry'>;
export type DoctorReport = Of<'DoctorReport'>;
export type DoctorFinding = Of<'DoctorFinding'>;
export type DoctorRun = Of<'DoctorRun'>;
export type Domain = Of<'Domain'>;
export type ImportedResource = Of<'ImportedResource'>;
export type ImportedResources = Of<'ImportResourcesOutputBody'>;
export type Settings = Of<'OwnSettings'>;

export type Scope = 'this' | 'following' | 'all';
/** A person, or a group of contacts, that was picked by name. */
export interface Picked {
  name: string;
  email?: string;
  group?: string;
  members?: string[]; // addresses of the group's, where they are known
  role?: 'required' | 'optional';
}
/** What the booking sheet starts from. Date and times are on the clock of the zone. */
export interface Draft {
  resource: string;
  date: string;
  start: string;
  endDate?: string; // left out: the same day
  end: string;
  title?: string;
  description?: string;
  attendees?: Picked[];
  also?: string[];
  quantities?: Record<string, number>; // of resources with several units
  zone?: string;
  private?: boolean;
  location?: string;
  rule?: Rule | null; // how it repeats
  choices?: Record<string, string>; // what was decided about dates that are taken
  kept?: boolean; // it has been put away, and so holds what somebody wrote
  editing?: Booking; // the booking that is being changed
}
