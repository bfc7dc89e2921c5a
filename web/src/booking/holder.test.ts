import { describe, expect, test } from 'vitest';
import { holder } from './holder';

describe('who holds a time', () => {
  const said = (heldBy?: { title?: string; name?: string; email: string }) =>
    holder({ resource: 'room', start: '', end: '', reason: 'booked', heldBy });
  test('is said as far as it is known', () => {
    expect(said()).toBe('');
    expect(said({ title: 'Planning', name: 'Anna', email: 'anna@a.test' })).toBe(': Planning (Anna)');
    expect(said({ email: 'anna@a.test' })).toBe(': anna@a.test');
    expect(said({ title: 'Planning', email: '' })).toBe(': Planning');
  });
});
