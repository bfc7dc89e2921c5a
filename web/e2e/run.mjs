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
  await page.goto(url + '/?date=' + day);
  await page.waitForURL(/signin/);
  await page.fill('#email', 'anna@example.test');
  await page.fill('#password', password);
  await page.click('button');
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
      await page.goto(url + '/?date=' + day);
      await page.waitForURL(/signin/);
      await page.fill('#email', 'clara@example.test');
      await page.getByRole('button', { name: 'Single sign-on' }).click();
      await page.waitForURL(new RegExp(provider.issuer));
      await page.fill('input[name=name]', name);
      await page.getByRole('button', { name: 'Go on' }).click();
      if (entered) {
        await page.waitForURL(url + '/?date=' + day);
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
  await desktop.goto(url + '/');
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
