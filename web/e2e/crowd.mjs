// A timeline of 2,000 resources and 40,000 bookings in a week: the answers of
// the API are made here, the app is the real one.
export const size = { resources: 2000, bookings: 40_000 };

export async function crowd(page, monday) {
  const first = Date.parse(monday + 'T00:00:00Z');
  const resources = Array.from({ length: size.resources }, (_, i) => ({
    email: `room-${i}@confroom.resources.example.test`,
    type: 'conference-room',
    name: `Room ${i}`,
    site: `Site ${i % 7}`,
    floor: String(i % 9),
    capacity: 4 + (i % 20),
    features: ['screen'],
    timeZone: 'Europe/Berlin',
    active: true,
    units: 1,
    policy: {},
    rules: { setupTimeInMinutes: 0, teardownTimeInMinutes: 0, scheduleOnlyDuringWorkHours: false },
  }));
  const bookings = Array.from({ length: size.bookings }, (_, i) => {
    const r = resources[i % size.resources];
    const k = Math.floor(i / size.resources); // four a day, on five days
    const start = first + Math.floor(k / 4) * 86400e3 + (8 + (k % 4) * 2.5) * 3600e3;
    return {
      id: 'b' + i,
      uid: 'u' + i,
      title: `Meeting ${i}`,
      start: new Date(start).toISOString(),
      end: new Date(start + 5400e3).toISOString(),
      timeZone: 'Europe/Berlin',
      status: 'confirmed',
      organizer: { email: `person-${i % 500}@example.test`, name: `Person ${i % 500}` },
      resources: [{ email: r.email, name: r.name, type: r.type }],
      attendees: [],
      private: false,
      mode: 'direct',
      occurrences: 1,
      sequence: 0,
      version: 1,
      sync: [],
      canEdit: i % 3 === 0,
      createdAt: monday + 'T00:00:00Z',
      updatedAt: monday + 'T00:00:00Z',
      links: {},
    };
  });
  const paged = (list) => (route) => {
    const at = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
    const items = list.slice(at, at + 1000);
    return route.fulfill({ json: { items, ...(at + 1000 < list.length ? { nextCursor: String(at + 1000) } : {}) } });
  };
  await page.route('**/api/v2/resources?*', paged(resources));
  await page.route('**/api/v2/bookings?*', paged(bookings));
  await page.route('**/api/v2/freebusy', (route) =>
    route.fulfill({
      json: {
        items: route
          .request()
          .postDataJSON()
          .emails.map((email) => ({ email, busy: [] })),
        asOf: monday + 'T00:00:00Z',
      },
    }),
  );
}

/**
 * Scrolls the timeline as a hand on a wheel does, down and across; with jumps,
 * all over the place. Answers the most nodes the document had, and the
 * browser's long tasks meanwhile.
 */
export async function scrollThrough(page, frames = 240, jumps = false) {
  return page.evaluate(
    async ([n, far]) => {
      const grid = document.querySelector('[role=grid]');
      const long = [];
      const seen = new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)));
      seen.observe({ entryTypes: ['longtask'] });
      let nodes = 0;
      const began = performance.now();
      for (let i = 0; i <= n; i++) {
        if (far) grid.scrollTo({ top: (grid.scrollHeight * i) / n, left: (grid.scrollWidth * ((i * 7) % n)) / n });
        else grid.scrollBy({ top: 120, left: i % 80 < 40 ? 20 : -20 });
        await new Promise((r) => requestAnimationFrame(r));
        nodes = Math.max(nodes, document.querySelectorAll('body *').length);
      }
      const took = performance.now() - began;
      seen.disconnect();
      return { nodes, frames: n + 1, perFrame: took / (n + 1), longTasks: long.length, longest: Math.max(0, ...long) };
    },
    [frames, jumps],
  );
}
