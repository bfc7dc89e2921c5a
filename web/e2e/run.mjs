// Tests of the app in real Chromium against the real program, which they
// start on a fresh data directory and a free loopback port, and stop.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startProvider } from './provider.mjs';

const root = new URL('../../', import.meta.url).pathname;
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const shots = process.env.RMP_SCREENSHOTS;

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try { return execFileSync('which', [name], { encoding: 'utf8' }).trim(); } catch { /* the next */ }
  }
  throw new Error('no Chromium: install it, or set CHROMIUM to its path');
}

function start(data) {
  if (!existsSync(join(root, 'bin/rmp'))) throw new Error('bin/rmp is not built: run make build');
  const p = spawn(join(root, 'bin/rmp'), ['serve', '--data', data, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  p.stderr.on('data', (d) => (log += d));
  return new Promise((resolve, reject) => {
    let out = '';
    p.stdout.on('data', (d) => {
      out += d;
      const m = /running at (http:\S+)/.exec(out);
      if (m) resolve({ p, url: m[1] });
    });
    p.on('exit', (code) => reject(new Error(`rmp ended with ${code}: ${log}`)));
    setTimeout(() => reject(new Error('rmp did not start: ' + log)), 90_000).unref();
  });
}

const results = { passed: 0, failed: 0 };
async function test(name, fn) {
  try { await fn(); results.passed++; console.log('ok   ' + name); }
  catch (e) { results.failed++; console.error('FAIL ' + name + '\n' + (e.stack ?? e)); }
}
function must(ok, what) { if (!ok) throw new Error(what); }

async function signIn(page, url, password = 'rmp-demo') {
  await page.goto(url + '/timeline?date=' + day);
  await page.waitForURL(/signin/);
  await page.fill('#email', 'anna@example.test');
  await page.fill('#password', password);
  await page.click('button');
}
// signedIn opens a page in a window of its own, past the form.
async function signedIn(email, path, options = {}) {
  const page = await (await context(options)).newPage();
  await page.goto(url + '/signin?next=' + encodeURIComponent(path));
  await page.fill('#email', email);
  await page.fill('#password', 'rmp-demo');
  await page.click('button');
  await page.waitForURL(url + path);
  return page;
}
async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run().then((r) => r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes[0].html}`)));
  must(found.length === 0, `${what}: ${found.join('\n')}`);
}
// A weekday far from the demo's meetings.
const far = new Date(Date.now() + 100 * 86400e3);
far.setUTCDate(far.getUTCDate() + ((8 - far.getUTCDay()) % 7));
const day = far.toISOString().slice(0, 10);

const data = mkdtempSync(join(tmpdir(), 'rmp-web-'));
const { p, url } = await start(data);
const browser = await chromium.launch({ executablePath: browserPath(), args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const context = (o = {}) => browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', locale: 'en-GB', ...o });
const desktop = await (await context()).newPage();
desktop.setDefaultTimeout(10_000);
const rowClick = (page, room, fraction) => page.evaluate(({ room, fraction }) => {
  const track = document.querySelector(`[data-resource^="${room}@"]`);
  const box = track.getBoundingClientRect();
  track.dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: box.left + box.width * fraction, clientY: box.top + 5 }));
}, { room, fraction });

await test('a wrong password is told, and the page is accessible', async () => {
  await signIn(desktop, url, 'wrong');
  await desktop.waitForSelector('text=Wrong address or password');
  await accessible(desktop, 'sign-in');
});
await test('signing in returns to the day that was asked for', async () => {
  await signIn(desktop, url);
  await desktop.waitForSelector('[data-resource]');
  must(desktop.url().includes('date=' + day), desktop.url());
  await accessible(desktop, 'timeline');
});
await test('book by a click, and see it appear', async () => {
  await rowClick(desktop, 'berlin', 10 / 24 + 0.001);
  await desktop.getByLabel('Title').fill('Planning <b>&');
  await accessible(desktop, 'booking dialog');
  await desktop.getByRole('button', { name: 'Book', exact: true }).click();
  await desktop.getByRole('button', { name: /^Planning <b>&, 10:00 to 11:00/ }).waitFor();
});
await test('somebody else meets the conflict and takes another', async () => {
  const other = await (await context()).newPage();
  await signIn(other, url);
  await other.waitForSelector('[data-resource]');
  await rowClick(other, 'berlin', 14 / 24 + 0.001);
  await other.getByLabel('From').fill('10:30');
  await other.getByLabel('Until').fill('11:30');
  await other.getByLabel('Title').fill('Second');
  await other.getByRole('button', { name: 'Book', exact: true }).click();
  await other.waitForSelector('text=The time is taken');
  await accessible(other, 'conflict');
  await other.locator('.problem li button').first().click();
  await other.getByRole('button', { name: /^Second/ }).waitFor();
  await other.close();
});
await test('book by keyboard alone', async () => {
  await desktop.locator('[role=application]').focus();
  await desktop.keyboard.press('ArrowDown');
  await desktop.keyboard.press('Shift+ArrowRight');
  await desktop.keyboard.press('Enter');
  await desktop.keyboard.type('By keyboard');
  await desktop.keyboard.press('Enter');
  await desktop.getByRole('button', { name: /^By keyboard, 10:00 to 11:15/ }).waitFor();
});
await test('cancel with a reason', async () => {
  await desktop.getByRole('button', { name: /^Planning/ }).click();
  await desktop.waitForSelector('text=berlin@confroom.resources.example.test: written');
  await accessible(desktop, 'booking');
  await desktop.getByLabel('Reason for cancelling').fill('not needed');
  await desktop.getByRole('button', { name: 'Cancel this booking' }).click();
  await desktop.getByRole('button', { name: /^Planning/ }).waitFor({ state: 'detached' });
});
await test('a series, and one date of it cancelled', async () => {
  await rowClick(desktop, 'dresden', 7 / 24 + 0.001);
  await desktop.getByLabel('Title').fill('Daily stand-up');
  await desktop.getByLabel('Repeat').selectOption({ label: 'every day' });
  await desktop.getByLabel('Times').fill('3');
  await accessible(desktop, 'series');
  await desktop.getByRole('button', { name: 'Book', exact: true }).click();
  await desktop.getByText('Booked: Daily stand-up, 3 dates.').waitFor();
  const stand = desktop.getByRole('button', { name: /^Daily stand-up/ });
  await stand.click();
  await desktop.getByText('daily, 3 dates').waitFor();
  await accessible(desktop, 'a date of a series');
  await desktop.getByRole('button', { name: 'Cancel this booking' }).click();
  await stand.waitFor({ state: 'detached' });
  await desktop.getByRole('button', { name: 'Next day' }).click();
  await stand.waitFor();
  await desktop.getByRole('button', { name: 'Previous day' }).click();
});
await test('what another does shows at once', async () => {
  const other = await (await context()).newPage();
  await signIn(other, url);
  await other.waitForSelector('[data-resource]');
  await rowClick(other, 'essen', 7 / 24 + 0.001);
  await other.getByLabel('Title').fill('From the other window');
  await other.getByRole('button', { name: 'Book', exact: true }).click();
  await desktop.getByRole('button', { name: /^From the other window/ }).waitFor({ timeout: 5000 });
  await other.close();
});
await test('dark theme and phone width', async () => {
  const phone = await (await context({ viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true })).newPage();
  await signIn(phone, url);
  await phone.waitForSelector('[data-resource]');
  await accessible(phone, 'phone, dark');
  must(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is wider than the phone');
  await rowClick(phone, 'cork', 9 / 24 + 0.001);
  await phone.getByLabel('Title').fill('From the phone');
  await phone.getByRole('button', { name: 'Book', exact: true }).click();
  await phone.getByRole('button', { name: /^From the phone/ }).waitFor();
  if (shots) await phone.screenshot({ path: join(shots, 'phone.png') });
});
await test('a series with a clash shows the plan date by date before it is booked', async () => {
  const page = await signedIn('anna@example.test', '/timeline?date=' + day);
  await page.waitForSelector('[data-resource]');
  await rowClick(page, 'essen', 7 / 24 + 0.001); // where the other window has booked
  await page.getByLabel('Title').fill('Weekly with a clash');
  await page.getByLabel('Repeat').selectOption({ label: 'every week' });
  await page.getByText('3 of 4 dates are free').waitFor();
  await page.getByText(/taken: From the other window/).waitFor();
  await accessible(page, 'the plan of a series');
  await page.getByLabel('Leave out the dates that are taken').check();
  await page.getByRole('button', { name: 'Book', exact: true }).click();
  await page.getByText('Booked: Weekly with a clash, 3 dates.').waitFor();
  await page.close();
});
await test('find a room, book it, move it, read its history, cancel it and undo that', async () => {
  const page = await signedIn('clara@example.test', '/find');
  await page.getByLabel('Day').fill(day);
  await page.getByLabel('From').fill('05:00');
  await page.getByLabel('How many people').fill('6');
  await page.getByRole('button', { name: /^Book Geneva/ }).click();
  await page.getByText('Free.', { exact: true }).waitFor();
  await page.getByLabel('Title').fill('Found it');
  await page.getByRole('button', { name: 'Book', exact: true }).click();
  await page.getByText('Booked: Found it.').waitFor();
  await page.getByRole('link', { name: 'My bookings' }).click();
  await page.getByLabel('From').fill(day);
  await page.getByRole('button', { name: /^Edit Found it/ }).click();
  await page.getByRole('button', { name: 'Move' }).click();
  await page.getByLabel('From').last().fill('04:00');
  await page.getByLabel('Until').fill('05:00');
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
  await page.getByText('Moved: Found it.').waitFor();
  await page.getByText('04:00–05:00').or(page.getByText('04:00 AM–05:00 AM')).or(page.getByText(/^0?4:00/)).first().waitFor();
  await page.getByRole('button', { name: /^Edit Found it/ }).click();
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByText(/clara@example.test: changed/).waitFor();
  await page.getByLabel('Reason for cancelling').fill('not needed');
  await page.getByRole('button', { name: 'Cancel this booking' }).click();
  await page.getByText('Cancelled: Found it.').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('It is booked again: Found it.').waitFor();
  await page.getByRole('button', { name: /^Edit Found it/ }).waitFor();
  await page.close();
});
await test('plan a meeting for several people and a room, and book the first suggestion', async () => {
  const page = await signedIn('anna@example.test', '/planner');
  for (const name of ['Ben Car', 'clara@example.test', 'David', 'Elena', 'Farid']) {
    await page.getByRole('combobox', { name: 'Who' }).fill(name);
    if (!name.includes('@')) await page.locator('ul[role=listbox]:not([hidden]) [role=option]').first().waitFor();
    await page.getByRole('combobox', { name: 'Who' }).press('Enter');
  }
  await page.getByLabel('From').fill(day);
  await page.getByLabel('Until').fill(day);
  await page.getByRole('button', { name: 'Find times' }).click();
  await page.getByRole('heading', { name: 'Suggestions' }).waitFor();
  await accessible(page, 'suggestions');
  if (shots) await page.screenshot({ path: join(shots, 'planner.png') });
  await page.getByRole('button', { name: /^Book / }).first().click();
  await page.getByLabel('Title').fill('Six people');
  await page.getByRole('button', { name: 'Book', exact: true }).click();
  await page.getByText('Booked: Six people.').waitFor();
  await page.close();
});
await test('an event of one’s own, and who may read it', async () => {
  const page = await signedIn('anna@example.test', '/calendar');
  await page.getByRole('button', { name: 'New event' }).click();
  await page.getByLabel('Title').fill('Own thing');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Own thing', { exact: true }).waitFor();
  await page.getByLabel('Give rights to').fill('ben@example.test');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('li', { hasText: 'reads your events' }).waitFor();
  const ben = await signedIn('ben@example.test', '/calendar');
  await ben.getByLabel('Calendar of').selectOption('anna@example.test');
  await ben.getByText('Own thing', { exact: true }).waitFor();
  await ben.close();
  await page.getByRole('button', { name: 'Take the rights of ben@example.test back' }).click();
  await page.getByText('Nobody else has rights').waitFor();
  await page.getByRole('button', { name: 'Remove Own thing' }).click();
  await page.getByText('Own thing', { exact: true }).waitFor({ state: 'detached' });
  await page.close();
});
await test('a contact, a group of it, and both found by name when booking', async () => {
  const page = await signedIn('anna@example.test', '/contacts');
  await page.getByText('No contacts yet.').waitFor();
  await page.getByRole('button', { name: 'New contact' }).click();
  await page.getByLabel('Name').fill('Quentin Quill');
  await page.getByLabel('E-mail').fill('quentin@elsewhere.test');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Quentin Quill', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Groups' }).click();
  await page.getByRole('button', { name: 'New group' }).click();
  await page.getByLabel('Name').fill('Quartet');
  for (const name of ['quent', 'Ben Car']) {
    await page.getByRole('combobox', { name: 'Members' }).fill(name);
    await page.locator('ul[role=listbox]:not([hidden]) [role=option]').first().waitFor();
    await page.getByRole('combobox', { name: 'Members' }).press('Enter');
  }
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Quartet', { exact: true }).waitFor();
  await page.goto(url + '/find');
  await page.getByLabel('Day').fill(day);
  await page.getByLabel('From').fill('03:00');
  await page.getByRole('button', { name: /^Book / }).first().click();
  await page.getByLabel('Title').fill('With the quartet');
  await page.getByRole('combobox', { name: 'People' }).fill('quart');
  await page.getByRole('option', { name: /Quartet/ }).waitFor();
  await page.getByRole('combobox', { name: 'People' }).press('Enter');
  await page.getByRole('button', { name: 'Book', exact: true }).click();
  await page.getByText('Booked: With the quartet.').waitFor();
  await page.goto(url + '/bookings');
  await page.getByLabel('From').fill(day);
  await page.getByRole('button', { name: /^Edit With the quartet/ }).click();
  await page.getByText(/quentin@elsewhere.test/).first().waitFor();
  await page.close();
});
await test('an administrator makes a resource and a user, and the log has it', async () => {
  const page = await signedIn('admin@example.test', '/admin');
  await page.getByRole('button', { name: 'New resource' }).click();
  await page.getByLabel('Name').fill('Zagreb');
  await page.getByLabel('Address before the @').fill('zagreb');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('zagreb@confroom.resources.example.test').first().waitFor();
  await page.getByRole('button', { name: 'People', exact: true }).click();
  await page.getByRole('button', { name: 'New user' }).click();
  await page.getByLabel('Name').fill('Nina New');
  await page.getByLabel('Address').fill('nina@example.test');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Nina New', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Audit log' }).click();
  await page.getByText('create-resource').first().waitFor();
  await page.getByText('create-user').first().waitFor();
  await page.close();
  const anna = await signedIn('anna@example.test', '/admin');
  await anna.getByText('This is for administrators.').waitFor();
  await anna.close();
});
await test('German, and every screen in light, dark and on a phone', async () => {
  for (const [name, options] of [['light', {}], ['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true }]]) {
    const page = await signedIn('admin@example.test', '/', options);
    for (const path of ['/', '/timeline', '/find', '/planner', '/bookings', '/calendar', '/contacts', '/admin', '/admin?tab=users', '/admin?tab=health', '/admin?tab=audit', '/nothing']) {
      await page.goto(url + path);
      await page.locator('main h2').first().waitFor();
      await page.getByText('Loading …').first().waitFor({ state: 'detached' });
      await accessible(page, `${path} ${name}`);
      must(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the window (${name})`);
      if (shots) await page.screenshot({ path: join(shots, `${(path.slice(1) || 'today').replace(/\W+/g, '-')}-${name}.png`) });
    }
    await page.getByLabel('Language').selectOption('de');
    await page.goto(url + '/timeline');
    await page.getByRole('button', { name: 'Heute' }).waitFor();
    must((await page.evaluate(() => document.documentElement.lang)) === 'de', 'the language of the page');
    await page.close();
  }
});
await test('single sign-on with a real OpenID Connect provider', async () => {
  const accounts = {
    clara: { email: 'clara@example.test', email_verified: true }, stranger: { email: 'nobody@example.test', email_verified: true },
    other: { email: 'clara@elsewhere.test', email_verified: true }, unsure: { email: 'clara@example.test', email_verified: false },
  };
  const provider = await startProvider({ client_id: 'rmp', client_secret: 'a secret of the client', redirect_uris: [url + '/signin/sso/callback'] }, accounts);
  try {
    const call = async (method, path, token, body) => {
      const r = await fetch(url + path, { method, headers: { 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) }, body: body && JSON.stringify(body) });
      must(r.ok, `${path}: ${r.status} ${await r.clone().text()}`);
      return r.json();
    };
    const { token } = await call('POST', '/api/v2/auth/login', '', { email: 'admin@example.test', password: 'rmp-demo' });
    const { items: [t] } = await call('GET', '/api/v2/admin/tenants', token);
    await call('PUT', '/api/v2/admin/tenants/' + t.id, token, { name: t.name, timeZone: t.timeZone, mode: t.mode, oidc: { issuer: provider.issuer, clientId: 'rmp', clientSecret: 'a secret of the client' } });
    for (const [name, entered] of [['clara', true], ['stranger', false], ['other', false], ['unsure', false]]) {
      const page = await (await context()).newPage();
      await page.goto(url + '/timeline?date=' + day);
      await page.waitForURL(/signin/);
      await page.fill('#email', 'clara@example.test');
      await page.getByRole('button', { name: 'Single sign-on' }).click();
      await page.waitForURL(new RegExp(provider.issuer));
      await page.fill('input[name=name]', name);
      await page.getByRole('button', { name: 'Go on' }).click();
      if (entered) {
        await page.waitForURL(url + '/timeline?date=' + day);
        await page.waitForSelector('[data-resource]');
      } else {
        await page.getByRole('alert').waitFor();
        await accessible(page, 'refused single sign-on');
      }
      await page.close();
    }
    // What another browser brings back is worth nothing here.
    const page = await (await context()).newPage();
    await page.goto(url + '/signin/sso/callback?code=x&state=y');
    await page.getByRole('alert').waitFor();
    await page.goto(url + '/signin');
    await page.fill('#email', 'anna@elsewhere.test');
    await page.getByRole('button', { name: 'Single sign-on' }).click();
    await page.getByText('has no single sign-on').waitFor();
    await page.close();
  } finally {
    provider.stop();
  }
});
if (shots) {
  await desktop.goto(url + '/timeline');
  await desktop.waitForSelector('.block');
  await desktop.waitForTimeout(500);
  await desktop.screenshot({ path: join(shots, 'timeline.png') });
  await desktop.getByRole('button', { name: /, \d\d:\d\d to/ }).first().click();
  await desktop.waitForTimeout(300);
  await desktop.screenshot({ path: join(shots, 'booking.png') });
}

await browser.close();
p.removeAllListeners('exit');
p.kill();
await new Promise((r) => p.on('exit', r));
rmSync(data, { recursive: true, force: true });
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exitCode = results.failed ? 1 : 0;
