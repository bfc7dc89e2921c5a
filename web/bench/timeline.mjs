// How the timeline does with 2,000 resources and 40,000 bookings: the time
// until the week is there, the nodes of the document, and long tasks while it
// is scrolled. Figures, not a test.
import { crowd, scrollThrough, size } from '../e2e/crowd.mjs';
import { dayAfter, finish, signedIn, url } from '../e2e/harness.mjs';

const page = await signedIn('anna@example.test', '/');
await crowd(page, dayAfter(0));
for (const view of ['day', 'week']) {
  const began = Date.now();
  await page.goto(`${url}/timeline?view=${view}&date=${dayAfter(0)}`);
  await page.getByRole('grid').waitFor();
  await page
    .getByRole('button', { name: /^Meeting/ })
    .first()
    .waitFor();
  await page.getByText(/bookings so far/).waitFor({ state: 'detached', timeout: 60_000 });
  const ready = Date.now() - began;
  const s = await scrollThrough(page);
  console.log(
    `${view}: ${size.resources} resources, ${size.bookings} bookings: there after ${ready} ms, at most ${s.nodes} nodes, ${s.perFrame.toFixed(1)} ms a frame over ${s.frames} frames, ${s.longTasks} tasks over 50 ms, the longest ${s.longest.toFixed(0)} ms`,
  );
}
await page.context().close();
await finish();
