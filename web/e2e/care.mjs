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

await test('the end goes with the beginning, over midnight too, and the pattern with the day', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + on(20));
  const [start, end] = [page.getByLabel('From'), page.getByLabel('Until')];
  await drag(page, 'berlin', 9, 10);
  await page.getByLabel('Title').fill('Moves');
  await start.fill('14:00');
  must((await end.inputValue()) === '15:00', 'an hour still: ' + (await end.inputValue()));
  await end.focus();
  await page.keyboard.type('1630'); // 01:00 for a moment
  must((await end.inputValue()) === '16:30', 'as it was typed: ' + (await end.inputValue()));
  must((await page.getByLabel('Last day').count()) === 0, 'it ends on the same day');
  await end.fill('15:00');
  await start.fill('23:30');
  must((await end.inputValue()) === '00:30' && (await page.getByLabel('Last day').inputValue()) === on(21), 'it ends on the next day');
  await page.getByRole('dialog').getByLabel('Day', { exact: true }).fill(on(25));
  must((await page.getByLabel('Last day').inputValue()) === on(26), 'the last day goes with the day');
  await page.getByLabel('Repeat').selectOption({ label: 'every week' });
  const pattern = () => page.locator('.days [aria-pressed=true]').allInnerTexts();
  const before = await pattern();
  await page.getByRole('dialog').getByLabel('Day', { exact: true }).fill(on(26));
  const after = await pattern();
  must(before.length === 1 && after.length === 1 && before[0] !== after[0], `the weekday goes with the day: ${before} ${after}`);
});

await test('what somebody else has changed meanwhile is shown, and can be written over', async () => {
  const anna = await api('anna@example.test');
  const made = await anna('POST', '/api/v2/bookings', {
    title: 'Of two minds',
    start: on(22) + 'T09:00:00Z',
    end: on(22) + 'T10:00:00Z',
    resources: ['cork@confroom.resources.example.test'],
  });
  const page = await signedIn('anna@example.test', '/bookings?from=' + on(22));
  await button(page, /^Edit Of two minds/).click();
  await page.getByLabel('Title').fill('Mine');
  const { id } = made;
  await anna('PUT', '/api/v2/bookings/' + id, {
    title: 'Theirs',
    start: on(22) + 'T09:00:00Z',
    end: on(22) + 'T10:00:00Z',
    resources: ['cork@confroom.resources.example.test'],
  });
  await button(page, 'Save').click();
  await button(page, 'Show what was changed').waitFor();
  await button(page, 'Save mine over it').click();
  await page.getByText('Changed: Mine.').waitFor();
  must((await anna('GET', '/api/v2/bookings/' + id)).title === 'Mine', 'it was written over');
});

await test('a change that is half written comes back after a new sign-in', async () => {
  const anna = await api('anna@example.test');
  await anna('POST', '/api/v2/bookings', {
    title: 'To be changed',
    start: on(23) + 'T09:00:00Z',
    end: on(23) + 'T10:00:00Z',
    resources: ['cork@confroom.resources.example.test'],
  });
  const page = await signedIn('anna@example.test', '/bookings?from=' + on(23));
  await button(page, /^Edit To be changed/).click();
  await page.getByLabel('Title').fill('Half changed');
  await page.context().clearCookies();
  await button(page, 'Save').click();
  await page.getByLabel('Password').fill('rmp-demo');
  await page.getByLabel('Address').fill('anna@example.test');
  await button(page, 'Sign in').click();
  await page.getByRole('heading', { name: 'Change To be changed' }).waitFor();
  must((await page.getByLabel('Title').inputValue()) === 'Half changed', 'what was written is there');
  await button(page, 'Save').click();
  await page.getByText('Changed: Half changed.').waitFor();
});

await test('an open sheet follows what becomes of its booking, which can be had back', async () => {
  const anna = await api('anna@example.test');
  const { id } = await anna('POST', '/api/v2/bookings', {
    title: 'Watched',
    start: on(24) + 'T09:00:00Z',
    end: on(24) + 'T10:00:00Z',
    resources: ['cork@confroom.resources.example.test'],
  });
  const page = await signedIn('anna@example.test', '/bookings?from=' + on(24));
  await button(page, /^Details Watched/).click();
  await page.getByRole('dialog').getByText('confirmed', { exact: true }).waitFor();
  await anna('DELETE', '/api/v2/bookings/' + id);
  await page.getByRole('dialog').getByText('cancelled', { exact: true }).waitFor();
  await button(page, 'Book it after all').click();
  await page.getByRole('dialog').getByText('confirmed', { exact: true }).waitFor();
  await page.getByText('It is booked again: Watched.').waitFor();
  // The same booking opens from the calendar.
  await page.goto(url + '/calendar?date=' + on(24));
  await page
    .getByRole('button', { name: /Watched/ })
    .first()
    .click();
  await button(page, 'Open the booking').click();
  await button(page, 'Cancel …').waitFor();
});

await test('a changed date does not give its name to the whole series', async () => {
  const anna = await api('anna@example.test');
  const body = {
    title: 'Weekly chain',
    start: on(27) + 'T09:00:00Z',
    end: on(27) + 'T10:00:00Z',
    timeZone: 'UTC',
    resources: ['cork@confroom.resources.example.test'],
  };
  const { id } = await anna('POST', '/api/v2/bookings', { ...body, recurrence: 'FREQ=DAILY;COUNT=3' });
  await anna('PUT', `/api/v2/bookings/${id}?scope=this&occurrence=${on(28)}T09:00:00Z`, {
    ...body,
    title: 'Special date',
    start: on(28) + 'T09:00:00Z',
    end: on(28) + 'T10:00:00Z',
  });
  const page = await signedIn('anna@example.test', '/bookings?from=' + on(27));
  await button(page, /^Edit Special date/).click();
  await page.getByLabel('Which dates').selectOption({ label: 'all dates' });
  await page.waitForFunction(() => [...document.querySelectorAll('dialog input')].some((i) => i.value === 'Weekly chain'));
  await page.getByLabel('Description').fill('For all of them');
  await button(page, 'Save').click();
  await page.getByText('Changed: Weekly chain.').waitFor();
  const now = await anna('GET', '/api/v2/bookings/' + id);
  must(now.title === 'Weekly chain' && now.description === 'For all of them', JSON.stringify(now));
});
