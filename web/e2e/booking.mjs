// Booking, at the width of a desk and of a phone.
import {
  accessible,
  api,
  block,
  book,
  button,
  day,
  dayAfter,
  drag,
  fault,
  fillSignIn,
  must,
  notWider,
  shot,
  signedIn,
  sizes,
  spots,
  test,
  url,
  context,
} from './harness.mjs';

await test('a wrong password is told, and signing in returns to the day that was asked for', async () => {
  const page = await (await context()).newPage();
  await page.goto(url + '/timeline?date=' + day);
  await fillSignIn(page, 'anna@example.test', 'wrong');
  await page.waitForSelector('text=Wrong address or password');
  await accessible(page, 'sign-in');
  await fillSignIn(page);
  await page.waitForSelector('[data-resource]');
  must(page.url().includes('date=' + day), page.url());
});

await test('the sign-in page speaks the language of the browser, or of the app', async () => {
  const says = async (options, words, path = '/signin') => {
    const page = await (await context(options)).newPage();
    await page.goto(url + path);
    await page.getByRole('button', { name: words, exact: true }).waitFor();
    return page;
  };
  await says({ locale: 'en-GB' }, 'Sign in');
  const page = await says({ locale: 'de-DE' }, 'Anmelden');
  await fillSignIn(page, 'anna@example.test', 'wrong');
  await page.getByText('Adresse oder Passwort ist falsch.').waitFor();
  await page.getByRole('link', { name: 'English' }).click();
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();

  const app = await signedIn('anna@example.test', '/find', { locale: 'en-GB' });
  await app.evaluate(() => localStorage.setItem('rmp.language', 'de'));
  await app.context().clearCookies();
  await app.goto(url + '/find');
  await app.getByRole('button', { name: 'Anmelden', exact: true }).waitFor();
  await fillSignIn(app);
  await app.waitForURL(/\/find/);
});

for (const [n, [device, size]] of Object.entries({ desktop: sizes.desktop, phone: sizes.phone }).entries()) {
  const phone = device === 'phone';
  const on = (k) => dayAfter(70 * n + k); // days of its own

  await test(`${device}: book by ${phone ? 'a tap' : 'drag'}, and see it appear`, async () => {
    const page = await signedIn('anna@example.test', '/timeline?date=' + on(0), size);
    await drag(page, 'berlin', 10, 11.5);
    await page.getByRole('dialog').getByText('Free.', { exact: true }).waitFor();
    must((await page.getByLabel('From').inputValue()) === '10:00', 'the beginning');
    must(
      (await page.getByLabel('Until').inputValue()) === (phone ? '11:00' : '11:30'),
      'the end: ' + (await page.getByLabel('Until').inputValue()),
    );
    await accessible(page, 'booking sheet');
    await book(page, 'Planning <b>&');
    await (await block(page, 'berlin', 'Planning <b>&\\s?, 10:00')).waitFor();
    await accessible(page, 'timeline');
    await notWider(page, 'timeline');
  });

  await test(`${device}: a conflict is seen, and resolved through an alternative`, async () => {
    const page = await signedIn('ben@example.test', '/timeline?date=' + on(0), size);
    await drag(page, 'berlin', 15, 16);
    await page.getByLabel('From').fill('10:30');
    await page.getByLabel('Until').fill('11:30');
    await page.getByText(/taken/).first().waitFor();
    await accessible(page, 'a time that is taken');
    await book(page, 'Second'); // all the same: the server says no
    await page.waitForSelector('text=The time is taken');
    await accessible(page, 'conflict');
    await shot(page, `conflict-${device}`);
    await page.getByRole('dialog').locator('.alternatives button').first().click(); // of the plan, or of the refusal
    await page.getByRole('dialog').getByText('Free.', { exact: true }).waitFor();
    await button(page, 'Book').last().click();
    await page.getByText('Booked: Second.').waitFor();
  });

  await test(`${device}: find a room, book it, change it, read its history, cancel it and undo that`, async () => {
    const page = await signedIn('clara@example.test', `/find?date=${on(1)}&start=05:00`, size);
    await page.getByLabel('How many people').fill('6');
    await button(page, /^Book Geneva/).click();
    await page.getByText('Free.', { exact: true }).waitFor();
    await book(page, 'Found it');
    await page.getByText('Booked: Found it.').waitFor();
    await page.goto(url + '/bookings?from=' + on(1));
    await button(page, /^Edit Found it/).click();
    await page.getByLabel('From').last().fill('04:00');
    await page.getByLabel('Until').fill('05:00');
    await button(page, 'Save').click();
    await page.getByText('Changed: Found it.').waitFor();
    await page.getByText('04:00–05:00').waitFor();
    await button(page, /^Details Found it/).click();
    await button(page, 'History').click();
    await page.getByText(/Clara Diaz: changed/).waitFor();
    await page
      .getByText(/: written/)
      .first()
      .waitFor();
    await accessible(page, 'a booking with its history');
    await button(page, 'Cancel …').click();
    await page.getByLabel('Reason for cancelling').fill('not needed');
    await button(page, 'Cancel this booking').click();
    await page.getByText('Cancelled: Found it.').waitFor();
    await button(page, 'Undo').click();
    await page.getByText('It is booked again: Found it.').waitFor();
    await button(page, /^Details Found it/).waitFor();
  });

  await test(`${device}: a weekly series with clashes is resolved date by date`, async () => {
    const anna = await api('anna@example.test');
    const room = 'dresden@confroom.resources.example.test';
    for (const k of [7, 14])
      await anna('POST', '/api/v2/bookings', {
        title: 'In the way',
        start: on(2 + k) + 'T08:00:00Z',
        end: on(2 + k) + 'T09:00:00Z',
        resources: [room],
      });
    const page = await signedIn('ben@example.test', '/timeline?date=' + on(2), size);
    await drag(page, 'dresden', 9, 10);
    await page
      .getByLabel('From')
      .fill(
        await page.evaluate(
          (at) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }).format(new Date(at)),
          on(2) + 'T08:00:00Z',
        ),
      );
    await page
      .getByLabel('Until')
      .fill(
        await page.evaluate(
          (at) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }).format(new Date(at)),
          on(2) + 'T09:00:00Z',
        ),
      );
    await page.getByLabel('Title').fill('Weekly with clashes');
    await page.getByLabel('Repeat').selectOption({ label: 'every week' });
    await page.getByText('2 of 4 dates are free, 2 to decide').waitFor();
    await page
      .getByText(/taken: In the way/)
      .first()
      .waitFor();
    await accessible(page, 'the plan of a series');
    const choices = page.getByLabel(/^What to do about/);
    must((await choices.count()) === 2, 'two dates to decide');
    await choices.nth(0).selectOption({ label: 'leave it out' });
    await choices.nth(1).selectOption({ index: 2 }); // the first alternative
    await page.getByText('2 of 4 dates are free', { exact: true }).waitFor();
    await shot(page, `series-${device}`);
    await button(page, 'Book').last().click();
    await page.getByText('Booked: Weekly with clashes, 3 dates.').waitFor();
    const ben = await api('ben@example.test');
    const { items } = await ben('GET', `/api/v2/bookings?mine=true&from=${on(0)}T00:00:00Z&till=${on(30)}T00:00:00Z`);
    const got = items.filter((b) => b.title === 'Weekly with clashes' && b.status === 'confirmed');
    must(
      got.length === 3 && got.filter((b) => !b.recurrence).length === 1,
      `two dates of the series and one booked instead: ${got.length}`,
    );
    await button(page, 'Undo').click();
    await page.getByText('Cancelled: Weekly with clashes.').waitFor();
    const after = await ben('GET', `/api/v2/bookings?mine=true&from=${on(0)}T00:00:00Z&till=${on(30)}T00:00:00Z`);
    must(!after.items.some((b) => b.title === 'Weekly with clashes' && b.status === 'confirmed'), 'the undo takes back all of it');
  });

  await test(`${device}: one date of a series is edited, the others stay`, async () => {
    const page = await signedIn('clara@example.test', '/timeline?date=' + on(3), size);
    await drag(page, 'essen', 7, 8);
    await page.getByLabel('Title').fill('Daily stand-up');
    await page.getByLabel('Repeat').selectOption({ label: 'every day' });
    await page.getByRole('spinbutton', { name: 'Times' }).fill('3');
    await page.getByText('3 of 3 dates are free').waitFor();
    await button(page, 'Book').last().click();
    await page.getByText('Booked: Daily stand-up, 3 dates.').waitFor();
    await (await block(page, 'essen', 'Daily stand-up\\s?, 07:00')).click();
    await page.getByText('Every day, 3 times').waitFor();
    await button(page, 'Edit').click();
    must((await page.getByLabel('Which dates').inputValue()) === 'this', 'only this date, unless one says otherwise');
    await page.getByLabel('From').last().fill('08:00');
    await page.getByLabel('Until').fill('09:00');
    await button(page, 'Save').click();
    await (await block(page, 'essen', 'Daily stand-up\\s?, 08:00')).waitFor();
    await button(page, 'Next day').click();
    await (await block(page, 'essen', 'Daily stand-up\\s?, 07:00')).waitFor();
    // One date is cancelled, and that undone; cancelled again, another date tells of it and books it after all.
    const cancelOne = async () => {
      await (await block(page, 'essen', 'Daily stand-up\\s?, 07:00')).click();
      await button(page, 'Cancel …').click();
      await page.getByLabel('Reason for cancelling').fill('a holiday');
      await button(page, 'Cancel this date').click();
      await page.getByText('Cancelled: Daily stand-up.').waitFor();
    };
    await cancelOne();
    await button(page, 'Undo').click();
    await page.getByText('It is booked again: Daily stand-up.').waitFor();
    await cancelOne();
    await button(page, 'Next day').click();
    await (await block(page, 'essen', 'Daily stand-up\\s?, 07:00')).click();
    await page.getByText('cancelled (a holiday)').waitFor();
    await accessible(page, 'a series with a date left out');
    await shot(page, `left-out-${device}`);
    await button(page, 'Book it after all').click();
    await page.getByText('cancelled (a holiday)').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await button(page, 'Previous day').click();
    await (await block(page, 'essen', 'Daily stand-up\\s?, 07:00')).waitFor();
  });

  await test(`${device}: plan a meeting for six people and a room, and book the first suggestion`, async () => {
    const page = await signedIn('anna@example.test', '/planner', size);
    for (const name of ['Ben Car', 'clara@example.test', 'David', 'Elena', 'Farid']) {
      await page.getByRole('combobox', { name: 'Who' }).fill(name);
      if (!name.includes('@')) await page.locator('ul[role=listbox]:not([hidden]) [role=option]').first().waitFor();
      await page.getByRole('combobox', { name: 'Who' }).press('Enter');
    }
    await page.getByLabel('From').fill(on(4));
    await page.getByLabel('Until').fill(on(4));
    await button(page, 'Find times').click();
    await page.getByRole('heading', { name: 'Suggestions' }).waitFor();
    await page.getByText('Everybody is free.').waitFor();
    await accessible(page, 'suggestions');
    await notWider(page, 'planner');
    await shot(page, `planner-${device}`);
    // The proposal can be moved, by keyboard too.
    const proposal = page.getByRole('slider', { name: 'Proposed time' });
    const before = await proposal.getAttribute('aria-valuetext');
    await proposal.press('ArrowRight');
    must((await proposal.getAttribute('aria-valuetext')) !== before, 'the proposal moves');
    await button(page, /^Book \w+/)
      .first()
      .click();
    await book(page, 'Six people');
    await page.getByText('Booked: Six people.').waitFor();
  });

  await test(`${device}: what one books shows in the other’s window within a second`, async () => {
    const one = await signedIn('anna@example.test', '/timeline?date=' + on(5), size);
    const other = await signedIn('ben@example.test', '/timeline?date=' + on(5), size);
    await one.waitForSelector('[data-resource]');
    await drag(other, 'essen', 12, 13);
    await other.getByLabel('Title').fill('From the other window');
    if (phone) await (await block(one, 'essen', '.*')).waitFor({ state: 'attached' }).catch(() => undefined);
    const began = Date.now();
    await button(other, 'Book').last().click();
    await (await block(one, 'essen', 'From the other window')).waitFor({ timeout: 3000 });
    console.log(`     seen after ${Date.now() - began} ms`);
  });

  await test(`${device}: with CommuniGate Pro away the app says what is unknown, accepts nothing wrong, and recovers by itself`, async () => {
    const page = await signedIn('david@example.test', '/timeline?date=' + on(6), size);
    await page.waitForSelector('[data-resource]');
    const end = await fault('*:*:lose');
    try {
      await button(page, 'Next day').click();
      await page.getByText('unknown: the calendar could not be read').first().waitFor();
      await accessible(page, 'unknown calendars');
      await shot(page, `unknown-${device}`);
      await drag(page, 'cork', 10, 11);
      await page
        .getByText(/could not be read|unknown/i)
        .last()
        .waitFor();
      await book(page, 'While it was away');
      await page.locator('.problem').waitFor();
    } finally {
      await end();
    }
    await button(page, 'Back').click();
    await button(page, 'Throw it away').click();
    // Nothing was booked; and without a reload everything is known again.
    await page.getByText('unknown: the calendar could not be read').first().waitFor({ state: 'detached', timeout: 60_000 });
    const david = await api('david@example.test');
    const { items } = await david('GET', `/api/v2/bookings?mine=true&from=${on(6)}T00:00:00Z&till=${on(8)}T00:00:00Z`);
    must(!items.some((b) => b.title === 'While it was away'), 'it was accepted');
    await drag(page, 'cork', 10, 11);
    await book(page, 'Now it is back');
    await (await block(page, 'cork', 'Now it is back')).waitFor();
  });

  await test(`${device}: when the sign-in ends, one comes back to the same place, and to what was being written`, async () => {
    const page = await signedIn('anna@example.test', '/timeline?date=' + on(8), size);
    await drag(page, 'florence', 9, 10);
    await page.getByLabel('Title').fill('Half written');
    await page.getByRole('dialog').getByText('Free.', { exact: true }).waitFor();
    await page.waitForLoadState('networkidle').catch(() => undefined);
    await page.context().clearCookies();
    await button(page, 'Book').last().click();
    await fillSignIn(page);
    await page.waitForURL(new RegExp('timeline.*date=' + on(8)));
    await page.getByRole('dialog').waitFor();
    must((await page.getByLabel('Title').inputValue()) === 'Half written', 'what was written');
    await button(page, 'Book').last().click();
    await (await block(page, 'florence', 'Half written')).waitFor();
  });
}

await test('book by keyboard alone', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + dayAfter(9));
  const grid = page.getByRole('grid');
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await page.getByText('Berlin, 09:15 to 10:30. Enter books.').first().waitFor({ state: 'attached' });
  await page.keyboard.press('Enter');
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^By keyboard, 09:15 to 10:30/ }).waitFor();
  // And what is there is opened by Enter.
  await grid.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'By keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await accessible(page, 'help');
  await page.keyboard.press('Escape');
  await page.keyboard.press('w');
  await page.waitForURL(/view=week/);
  await accessible(page, 'week');
  await page.keyboard.press('d');
  await page.keyboard.press('t');
  await page.waitForURL((u) => !u.search.includes(dayAfter(9)));
});

await test('a booking is moved and made longer by drag, and that is undone', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + dayAfter(10));
  await drag(page, 'geneva', 9, 10);
  await book(page, 'Movable');
  const there = (when) => page.getByRole('button', { name: new RegExp('^Movable, ' + when) });
  await there('09:00 to 10:00').waitFor();
  await page.getByText('Booked: Movable.').waitFor();
  const pull = async (a, b) => {
    const [from, to] = await spots(page, [a, b]);
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 });
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
  };
  await pull(['geneva', 9.5], ['helsinki', 11.5]);
  await there('11:00 to 12:00').waitFor();
  await page.getByText(/Moved: Movable, Helsinki/).waitFor();
  await button(page, 'Undo').click();
  await there('09:00 to 10:00').waitFor();
  await page.getByText('Moved back: Movable.').waitFor();
  await pull(['geneva', 9.96], ['geneva', 11]);
  await there('09:00 to 11:00').waitFor();
  // Onto what is taken it cannot be moved, and stays.
  await drag(page, 'geneva', 13, 14);
  await book(page, 'In the way');
  await page.getByRole('button', { name: /^In the way/ }).waitFor();
  await pull(['geneva', 10], ['geneva', 13.5]);
  await page.getByText(/Movable stays where it was/).waitFor();
  await there('09:00 to 11:00').waitFor();
});
