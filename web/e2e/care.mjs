// What people write is kept, what they see is of what they asked for.
import { api, button, dayAfter, drag, must, signedIn, spots, test, track, url } from './harness.mjs';

const on = (k) => dayAfter(140 + k); // days of its own

await test('a sheet with something written asks before it closes, by Escape, a click beside it and the way back', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + on(0));
  const sheet = page.getByRole('dialog');
  const ask = page.getByText('What you have written here is not saved.');
  await drag(page, 'aalborg', 10, 11);
  await sheet.waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' }); // nothing was written
  await page.getByRole('link', { name: 'Find' }).click();
  await page.getByRole('link', { name: 'Timeline' }).click();
  await drag(page, 'aalborg', 10, 11);
  await page.getByLabel('Title').fill('Half written');
  for (const leave of [() => page.keyboard.press('Escape'), () => page.mouse.click(5, 450), () => page.goBack()]) {
    await leave();
    await ask.waitFor();
    await button(page, 'Go on writing').click();
    await ask.waitFor({ state: 'detached' });
  }
  must((await page.getByLabel('Title').inputValue()) === 'Half written', 'what was written is there');
  must(page.url().includes('/timeline'), page.url());
  await page.reload(); // nor is it lost then
  must((await page.getByLabel('Title').inputValue()) === 'Half written', 'what was written is there after loading the page anew');
  await page.getByLabel('Title').fill('Written on');
  await page.keyboard.press('Escape');
  await button(page, 'Throw it away').click();
  await sheet.waitFor({ state: 'detached' });
});

await test('focus comes back to where it was when a sheet has done its work', async () => {
  const page = await signedIn('anna@example.test', '/find?date=' + on(1) + '&start=10:00');
  const first = page.getByRole('button', { name: /^Book / }).first();
  await first.click();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.waitForFunction(() => document.activeElement?.textContent?.trim() === 'Book');
  await first.click();
  await page.getByLabel('Title').fill('Focus');
  await button(page, 'Book').last().click();
  await page.getByText('Booked: Focus.').waitFor();
  await page.waitForFunction(() => document.activeElement !== document.body);
});

await test('a drag that is given up by Escape does not open the sheet', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + on(2));
  const [a, b] = await spots(page, [
    ['berlin', 10],
    ['berlin', 12],
  ]);
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 4 });
  await page.locator('.ghost').first().waitFor();
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await track(page, 'berlin').click({ position: { x: 5, y: 5 }, trial: true });
  must((await page.getByRole('dialog').count()) === 0, 'no sheet');
});

await test('the person whose name is typed fast is the one who is picked', async () => {
  const page = await signedIn('anna@example.test', '/planner');
  const who = page.getByRole('combobox', { name: 'Who' });
  await who.pressSequentially('Ben Ca');
  await page.keyboard.press('Enter'); // before anything was found
  await button(page, /^Remove Ben Carter/).waitFor();
  await who.pressSequentially('Nobody of this name');
  await button(page, 'Find times').click();
  must(await who.evaluate((x) => x.validationMessage.includes('was not chosen')), 'what nobody picked is not passed over');
  await who.fill('');
  await button(page, 'Find times').click();
  await page.getByRole('heading', { name: 'Suggestions' }).waitFor();
  await who.fill('Clara');
  await page.locator('ul[role=listbox]:not([hidden]) [role=option]').first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('What you ask for has changed since these suggestions.').waitFor();
});

await test('changing one thing of a booking leaves the others', async () => {
  const anna = await api('anna@example.test');
  const made = await anna('POST', '/api/v2/bookings', {
    title: 'With care',
    start: on(4) + 'T09:00:00Z',
    end: on(4) + 'T10:00:00Z',
    resources: ['cork@confroom.resources.example.test'],
    attendees: [
      { email: 'ben@example.test', role: 'optional' },
      { email: 'guest@elsewhere.test', name: 'Gina Guest' },
    ],
    location: 'Second floor',
    private: true,
  });
  const page = await signedIn('anna@example.test', '/bookings?from=' + on(4));
  await button(page, /^Edit With care/).click();
  await page.getByText('Free.', { exact: true }).waitFor(); // its own time is not in its way
  await page.getByLabel('Title').fill('With more care');
  await button(page, 'Save').click();
  await page.getByText('Changed: With more care.').waitFor();
  const b = await anna('GET', '/api/v2/bookings/' + made.id);
  const of = (email) => b.attendees.find((a) => a.email === email);
  must(of('ben@example.test').role === 'optional', 'who need not come');
  must(of('guest@elsewhere.test').name === 'Gina Guest', 'the name of a guest');
  must(b.location === 'Second floor' && b.private, 'place and privacy');
});

await test('all taken dates of a series are left out by one tick', async () => {
  const ben = await api('ben@example.test');
  await ben('POST', '/api/v2/bookings', {
    title: 'In the way',
    start: on(13) + 'T08:00:00Z',
    end: on(13) + 'T18:00:00Z',
    resources: ['essen@confroom.resources.example.test'],
  });
  const page = await signedIn('anna@example.test', '/find?date=' + on(6) + '&start=12:00');
  await button(page, 'Book Essen').click();
  await page.getByLabel('Title').fill('By one tick');
  await page.getByLabel('Repeat').selectOption({ label: 'every week' });
  await page.getByText('3 of 4 dates are free, 1 to decide').waitFor();
  const tick = page.getByLabel('Leave out the dates that are taken');
  await tick.check();
  await page.getByText('3 of 4 dates are free', { exact: true }).waitFor();
  await tick.uncheck();
  await page.getByText('3 of 4 dates are free, 1 to decide').waitFor();
  await tick.check();
  await button(page, 'Book').last().click();
  await page.getByText('Booked: By one tick, 3 dates.').waitFor();
});

await test('a date that there is not shows today', async () => {
  const page = await signedIn('anna@example.test', '/');
  for (const path of ['/timeline?date=rubbish', '/calendar?date=2026-13-99', '/bookings?from=x', '/find?date=1&start=99:99']) {
    await page.goto(url + path);
    await page.locator('main h2').first().waitFor();
    await page.locator('.waiting').first().waitFor({ state: 'detached' });
    must((await page.getByText(/Invalid time value|RangeError/).count()) === 0, path);
  }
});

await test('a resource is removed only after a question', async () => {
  const admin = await api('admin@example.test');
  const email = 'narvik@confroom.resources.example.test';
  await admin('POST', '/api/v2/resources', { email, name: 'Narvik', timeZone: 'Europe/Berlin' });
  await admin('POST', '/api/v2/bookings', { title: 'There', start: on(8) + 'T09:00:00Z', end: on(8) + 'T10:00:00Z', resources: [email] });
  const page = await signedIn('admin@example.test', '/admin');
  await page.getByLabel('Search').fill('Narvik');
  await button(page, /^Edit Narvik/).click();
  await button(page, 'Remove …').click();
  await page.getByText(/^Remove Narvik\?/).waitFor();
  await page.getByLabel('Also remove its account').check();
  await button(page, 'Remove Narvik').click();
  await page.getByText(/Narvik has bookings in the future/).waitFor();
  await button(page, 'Remove it with its future bookings').click();
  await page.getByText('Removed: Narvik.').waitFor();
});
