// Every screen, in every theme and width: accessible, not wider than the
// window, complete in both languages.
import { crowd, scrollThrough } from './crowd.mjs';
import { accessible, context, day, notWider, must, shot, signedIn, sizes, test, url } from './harness.mjs';

const paths = [
  '/',
  '/timeline',
  '/timeline?view=week',
  '/find',
  '/planner',
  '/bookings',
  '/bookings?view=month',
  '/calendar',
  '/calendar?view=month',
  '/contacts',
  '/resource?email=berlin@confroom.resources.example.test',
  '/admin',
  '/admin?tab=policies',
  '/admin?tab=users',
  '/admin?tab=settings',
  '/admin?tab=domains',
  '/admin?tab=health',
  '/admin?tab=writes',
  '/admin?tab=audit',
  '/nothing',
];
const name = (path) =>
  path
    .replace(/email=[^&]*/, '')
    .replace(/^\//, '')
    .replace(/\W+/g, '-')
    .replace(/-$/, '') || 'today';
const looks = [
  ['light', sizes.desktop],
  ['dark', { ...sizes.desktop, colorScheme: 'dark' }],
  ['contrast', { ...sizes.desktop, contrast: 'more' }],
  ['contrast-dark', { ...sizes.desktop, contrast: 'more', colorScheme: 'dark' }],
  ['tablet', sizes.tablet],
  ['phone', sizes.phone],
  ['phone-dark', { ...sizes.phone, colorScheme: 'dark' }],
];

for (const [look, options] of looks) {
  await test(`every screen, ${look}`, async () => {
    const page = await signedIn('admin@example.test', '/', options);
    const out = await (await context(options)).newPage();
    await out.goto(url + '/signin');
    await shot(out, `${look}-signin`);
    await accessible(out, `sign-in, ${look}`);
    await notWider(out, 'sign-in');
    for (const path of paths) {
      await page.goto(url + path);
      await page.locator('main h2').first().waitFor();
      await page.locator('.waiting').first().waitFor({ state: 'detached' });
      await accessible(page, `${path} ${look}`);
      await notWider(page, `${path} ${look}`);
      await shot(page, `${name(path)}-${look}`);
    }
  });
}

await test('German: no text of the other language is left, on any screen', async () => {
  const page = await signedIn('admin@example.test', '/');
  await page.getByLabel('Language').selectOption('de');
  await page.goto(url + '/timeline');
  await page.getByRole('button', { name: 'Heute', exact: true }).waitFor();
  must((await page.evaluate(() => document.documentElement.lang)) === 'de', 'the language of the page');
  for (const path of paths) {
    await page.goto(url + path);
    await page.locator('main h2').first().waitFor();
    await page.locator('.waiting').first().waitFor({ state: 'detached' });
    const text = await page.locator('body').innerText();
    const left = ['Today', 'Search', 'Loading', 'Booking', 'Save', 'Edit', 'Details:', 'undefined', '{n}', '{name}'].filter((w) =>
      new RegExp(`(^|\\s)${w.replace(/[{}]/g, '\\$&')}(\\s|$)`, 'm').test(text),
    );
    must(left.length === 0, `${path}: ${left.join(', ')}`);
  }
});

await test('the timeline prints without what cannot be printed', async () => {
  const page = await signedIn('anna@example.test', '/timeline');
  await page.waitForSelector('[data-resource]');
  await page.emulateMedia({ media: 'print' });
  must(!(await page.getByRole('navigation').isVisible()), 'the navigation is not printed');
  must(await page.locator('[data-resource]').first().isVisible(), 'the rows are');
  must((await page.pdf({ landscape: true })).length > 5000, 'a page');
});

await test('a timeline of 2,000 resources and 40,000 bookings keeps to 1,000 nodes while it is scrolled', async () => {
  const page = await signedIn('anna@example.test', '/');
  await crowd(page, day);
  await page.goto(`${url}/timeline?view=week&date=${day}`);
  await page
    .getByRole('button', { name: /^Meeting/ })
    .first()
    .waitFor();
  await page.getByText(/bookings so far/).waitFor({ state: 'detached', timeout: 60_000 });
  const { nodes } = await scrollThrough(page, 60, true);
  must(nodes <= 1000, `${nodes} nodes`);
});
