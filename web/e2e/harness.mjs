// What the browser tests share: the real program on a fresh data directory
// and a free loopback port, real Chromium, and what they look for on any page.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const root = new URL('../../', import.meta.url).pathname;
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
export const shots = process.env.RMP_SCREENSHOTS;
export const password = 'rmp-demo';
export const sizes = {
  desktop: { viewport: { width: 1440, height: 900 } },
  tablet: { viewport: { width: 1024, height: 768 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      /* the next */
    }
  }
  throw new Error('no Chromium: install it, or set CHROMIUM to its path');
}

/** Starts rmp serve; answers where it is, and where its stand-in is. */
export function start(data, more = []) {
  if (!existsSync(join(root, 'bin/rmp'))) throw new Error('bin/rmp is not built: run make build');
  const env = { ...process.env, RMP_LIMITS_USER: '0', RMP_LIMITS_ADDRESS: '0' };
  const p = spawn(join(root, 'bin/rmp'), ['serve', '--data', data, '--listen', '127.0.0.1:0', ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let log = '';
  p.stderr.on('data', (d) => (log += d));
  return new Promise((resolve, reject) => {
    let out = '';
    p.stdout.on('data', (d) => {
      out += d;
      const m = /running at (http:\S+)/.exec(out);
      if (m) resolve({ p, url: m[1], standin: /XIMSS over HTTP at ([\d.:]+)/.exec(out)?.[1], log: () => log });
    });
    p.on('exit', (code) => reject(new Error(`rmp ended with ${code}: ${log}`)));
    setTimeout(() => reject(new Error('rmp did not start: ' + log)), 90_000).unref();
  });
}
export async function stop(p) {
  p.removeAllListeners('exit');
  p.kill();
  await new Promise((r) => p.on('exit', r));
}

export const data = mkdtempSync(join(tmpdir(), 'rmp-web-'));
export const server = await start(data);
export const url = server.url;
export const browser = await chromium.launch({
  executablePath: browserPath(),
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
export const context = (o = {}) =>
  browser.newContext({ ...sizes.desktop, reducedMotion: 'reduce', timezoneId: 'Europe/Berlin', locale: 'en-GB', ...o });

const scriptErrors = [];
const results = { passed: 0, failed: 0 };
const only = process.env.RMP_E2E;
export async function test(name, fn) {
  if (only && !name.includes(only)) return;
  const began = Date.now();
  try {
    scriptErrors.length = 0;
    await fn();
    must(!scriptErrors.length, 'script errors: ' + scriptErrors.join('; '));
    results.passed++;
    console.log(`ok   ${name} (${Date.now() - began} ms)`);
  } catch (e) {
    results.failed++;
    console.error('FAIL ' + name + '\n' + (e.stack ?? e));
    if (shots)
      for (const [i, c] of browser.contexts().entries())
        for (const [k, p] of c.pages().entries())
          await p.screenshot({ path: join(shots, `fail-${results.failed}-${i}-${k}.png`) }).catch(() => undefined);
  }
  for (const c of browser.contexts()) await c.close();
}
export async function finish() {
  await browser.close();
  await stop(server.p);
  rmSync(data, { recursive: true, force: true });
  console.log(`${results.passed} passed, ${results.failed} failed`);
  process.exitCode = results.failed ? 1 : 0;
}
export function must(ok, what) {
  if (!ok) throw new Error(what);
}

/** Fills the sign-in page that is shown. */
export async function fillSignIn(page, email = 'anna@example.test', secret = password) {
  await page.waitForURL(/signin/);
  await page.fill('#email', email);
  await page.fill('#password', secret);
  await page.click('button');
}
/** A page in a window of its own, past the sign-in. */
export async function signedIn(email, path, options = {}) {
  const c = await context(options);
  const page = await c.newPage();
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (e) => {
    // Leaving for the sign-in gives up what was under way.
    if (e.message !== 'not signed in') scriptErrors.push(`${page.url()}: ${e.message}`);
  });
  await page.goto(url + '/signin?next=' + encodeURIComponent(path));
  await fillSignIn(page, email);
  await page.waitForURL((u) => u.pathname === path.split('?')[0]);
  return page;
}
export async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run().then((r) =>
      r.violations
        .filter((v) => v.impact === 'serious' || v.impact === 'critical')
        .map(
          (v) =>
            `${v.id}: ${v.nodes
              .map((n) => n.html)
              .slice(0, 3)
              .join(' | ')} ${v.nodes[0].failureSummary}`,
        ),
    ),
  );
  must(found.length === 0, `${what}: ${found.join('\n')}`);
}
export async function notWider(page, what) {
  must(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} is wider than the window`);
}
export async function shot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, name + '.png') });
}

// A weekday far from the demo's meetings, and those that follow it.
const far = new Date(Date.now() + 100 * 86400e3);
far.setUTCDate(far.getUTCDate() + ((8 - far.getUTCDay()) % 7));
export const dayAfter = (n) => new Date(far.getTime() + n * 86400e3).toISOString().slice(0, 10);
export const day = dayAfter(0);

export const track = (page, room) => page.locator(`[data-resource^="${room}@"]`);
/** Where an hour of a room's row is on the page. */
export async function at(page, room, hour) {
  const row = track(page, room);
  await row.waitFor();
  await row.evaluate((el, h) => {
    const grid = el.closest('[role=grid]');
    grid?.scrollTo({ left: Math.max(0, (h - 2) * (el.offsetWidth / 24)), top: Math.max(0, el.parentElement.offsetTop - 200) });
    if (!grid) el.scrollIntoView({ block: 'center' });
  }, hour);
  const box = await row.boundingBox();
  return { x: box.x + (box.width * hour) / 24, y: box.y + box.height / 2 };
}
/** Where several hours of rooms' rows are, all in view. */
export async function spots(page, list) {
  const first = [...list].sort((a, b) => a[1] - b[1])[0];
  await at(page, ...first);
  const out = [];
  for (const [room, hour] of list) {
    const box = await track(page, room).boundingBox();
    out.push({ x: box.x + (box.width * hour) / 24, y: box.y + box.height / 2 });
  }
  return out;
}
/** Drags over free time in the timeline; on a phone, taps. */
export async function drag(page, room, from, till) {
  if (page.viewportSize().width < 700) {
    const p = await at(page, room, from + 0.05);
    return page.touchscreen.tap(p.x, p.y);
  }
  const a = await at(page, room, from + 0.02);
  const b = { x: a.x + ((await track(page, room).boundingBox()).width * (till - from - 0.04)) / 24, y: a.y };
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move((a.x + b.x) / 2, a.y, { steps: 3 });
  await page.mouse.move(b.x, b.y, { steps: 3 });
  await page.mouse.up();
}
export const button = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' });
/** Fills the sheet's title and books. */
export async function book(page, title) {
  await page.getByLabel('Title').fill(title);
  await button(page, 'Book').last().click();
}
/** What is in a room's row, by title; on a phone its list is opened first. */
export async function block(page, room, title) {
  if (page.viewportSize().width < 700) {
    const open = page
      .locator('li', { has: track(page, room) })
      .locator('button.name')
      .last();
    if ((await open.getAttribute('aria-expanded')) !== 'true') await open.click();
  }
  return page.getByRole('button', { name: new RegExp('^' + title) }).first();
}

/** Asks the API as a person. */
export async function api(email) {
  const call = async (method, path, body, token) => {
    const r = await fetch(url + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) },
      body: body && JSON.stringify(body),
    });
    must(r.ok, `${path}: ${r.status} ${await r.clone().text()}`);
    return r.status === 204 ? null : r.json();
  };
  const { token } = await call('POST', '/api/v2/auth/login', { email, password });
  return (method, path, body) => call(method, path, body, token);
}

/** Sends the stand-in a command of CLI, as its administrator. */
export function cli(command) {
  const secret = readFileSync(join(data, 'standin', 'admin.password'), 'utf8').trim();
  const lines = ['USER postmaster', 'PASS ' + secret, command, 'QUIT'];
  const { cli: at } = JSON.parse(readFileSync(join(data, 'standin', 'addresses.json'), 'utf8'));
  const [host, port] = at.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let got = '';
    socket.setTimeout(5000, () => socket.destroy(new Error('CLI does not answer: ' + got)));
    socket.on('error', reject);
    socket.on('data', (d) => {
      got += d;
      if (got.endsWith('\n') && lines.length) socket.write(lines.shift() + '\r\n');
    });
    socket.on('close', () => (/^[45]/m.test(got) ? reject(new Error(got)) : resolve(got)));
  });
}

/** Lets the stand-in fail; answers how to end that. */
export async function fault(text) {
  const secret = readFileSync(join(data, 'standin', 'admin.password'), 'utf8').trim();
  const headers = { Authorization: 'Basic ' + Buffer.from('postmaster:' + secret).toString('base64') };
  const post = (path, body) => fetch(`http://${server.standin}${path}`, { method: 'POST', headers, body, redirect: 'manual' });
  const r = await post('/admin/faults', new URLSearchParams({ fault: text }));
  must(r.status === 303, `the stand-in's fault: ${r.status} ${await r.text()}`);
  return async () => {
    const page = await (await fetch(`http://${server.standin}/admin/`, { headers })).text();
    for (const [, id] of page.matchAll(/\/admin\/faults\/(\d+)\/remove/g)) await post(`/admin/faults/${id}/remove`, new URLSearchParams());
  };
}
