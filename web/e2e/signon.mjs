// Single sign-on with a real OpenID Connect provider, on loopback.
import { accessible, api, context, day, must, test, url } from './harness.mjs';
import { startProvider } from './provider.mjs';

await test('single sign-on with a real OpenID Connect provider', async () => {
  const accounts = {
    clara: { email: 'clara@example.test', email_verified: true },
    stranger: { email: 'nobody@example.test', email_verified: true },
    other: { email: 'clara@elsewhere.test', email_verified: true },
    unsure: { email: 'clara@example.test', email_verified: false },
  };
  const provider = await startProvider(
    { client_id: 'rmp', client_secret: 'a secret of the client', redirect_uris: [url + '/signin/sso/callback'] },
    accounts,
  );
  try {
    const root = await api('admin@example.test');
    const {
      items: [t],
    } = await root('GET', '/api/v2/admin/tenants');
    await root('PUT', '/api/v2/admin/tenants/' + t.id, {
      name: t.name,
      timeZone: t.timeZone,
      mode: t.mode,
      oidc: { issuer: provider.issuer, clientId: 'rmp', clientSecret: 'a secret of the client' },
    });
    for (const [name, entered] of [
      ['clara', true],
      ['stranger', false],
      ['other', false],
      ['unsure', false],
    ]) {
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
