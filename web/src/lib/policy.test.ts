import { afterEach, describe, expect, test } from 'vitest';
import { choose } from './i18n.svelte';
import { dayRanges, length, policyWords } from './policy';

describe('rules in words', () => {
  afterEach(() => choose('en'));
  test('lengths', () => {
    expect([length(45), length(60), length(90), length(1440), length(0)]).toEqual([
      '45 minutes',
      '1 hour',
      '1 hour 30 minutes',
      '1 day',
      '0 minutes',
    ]);
    choose('de');
    expect(length(90)).toBe('1 Stunde 30 Minuten');
  });
  test('days that follow each other are a range', () => {
    expect(dayRanges(['FR', 'MO', 'TU', 'WE', 'TH'])).toBe('Mon–Fri');
    expect(dayRanges(['MO', 'TU', 'SU'])).toBe('Mon, Tue, Sun');
  });
  test('only what restricts is said', () => {
    expect(
      policyWords({
        bookingWindowInDays: 0,
        allBookInPolicy: true,
        allowRecurringMeetings: true,
        workingHours: { days: ['MO'], start: '08:00', end: '18:00' },
      }),
    ).toEqual([]);
    expect(
      policyWords({
        scheduleOnlyDuringWorkHours: true,
        workingHours: { days: ['MO', 'TU', 'WE', 'TH', 'FR'], start: '08:00', end: '18:00' },
        maximumDurationInMinutes: 240,
        allBookInPolicy: false,
        bookInPolicy: ['@sales.example.org', 'role:manager'],
        quotas: [{ period: 'week', maximumBookings: 3, scope: 'type' }],
      }),
    ).toEqual([
      'Open Mon–Fri, 08:00–18:00.',
      'At most 4 hours.',
      'May be booked by: everybody of sales.example.org, manager.',
      'Each person at most 3 bookings a week, over all of this type.',
    ]);
  });
});
